"""What is asked of NetAdapt, and how a budget and a schedule are spelt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.core.units import parse_milliseconds
from edgesmith.search.netadapt import ORIGINAL, PAPER, STEP, Rule, Schedule

SCHEDULES: Final[Mapping[str, Schedule]] = MappingProxyType({"paper": PAPER, "original": ORIGINAL})
RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.value: rule for rule in Rule})


@dataclass(frozen=True, kw_only=True)
class NetAdaptConfig:
    """What is asked of a run; all that decides its result.

    Attributes:
        model: As MODEL of the command line.
        data: As DATA of the command line.
        budget: Latency with a unit, such as ``3ms``, or a share of the seed's measured latency, such as ``0.8x``.
        device: One device, as typed.
        effort: ``quick``, ``standard`` or ``thorough``.
        time: Another limit of time, such as ``40m``; None for the effort's.
        weights: What the network begins with: see `edgesmith.recipes.start.open_start`.
        rule: ``slope`` (MobileNetV3) or ``accuracy`` (the original): which proposal of a step wins.
        schedule: ``paper`` (a fixed cut a step) or ``original`` (a decaying one).
        delta: What a step must save, as a share of the seed's latency; None takes the schedule's, or more where the
            time is short.
        steps_pictures: Pictures that each proposal is fine-tuned on; None takes what there is time for.
        multiple: Widths become multiples of it.
        from_scratch: Train the final network anew, as the paper does, instead of fine-tuning it.
        recipe: Training recipe; None takes what suits the weights.
        settings: ``key=value`` settings of the recipe.
        resolution: ``160`` or ``128x192``: another input size.
        teacher: A trained network that the last training learns from beside the labels, as of ``edgesmith train``.
        seed: Decides splits, weights, order and augmentation.
    """

    model: str
    data: str
    budget: str
    device: str = "onnxruntime"
    effort: str = "standard"
    time: str | None = None
    weights: str = "auto"
    rule: str = "slope"
    schedule: str = "paper"
    delta: float | None = None
    steps_pictures: int | None = None
    multiple: int = STEP
    from_scratch: bool = False
    recipe: str | None = None
    settings: tuple[str, ...] = ()
    resolution: str | None = None
    teacher: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.multiple < 1:
            raise UsageError(f"widths are multiples of 1 or more channels, got {self.multiple}")
        if self.steps_pictures is not None and self.steps_pictures < 2:
            raise UsageError(f"a proposal is fine-tuned on 2 pictures or more, got {self.steps_pictures}")
        Goal.parse(self.budget)
        lookup(RULES, self.rule, what="rule")
        self.schedule_with(self.delta)

    def schedule_with(self, delta: float | None) -> Schedule:
        """The schedule, with another first cut if one is given."""
        schedule = lookup(SCHEDULES, self.schedule, what="schedule")
        return schedule if delta is None else replace(schedule, share=delta)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A latency budget.

    Attributes:
        ms: In milliseconds; None where it is a share.
        share: Of the seed's latency; None where it is in milliseconds.
    """

    ms: float | None = None
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> Goal:
        """Read ``3ms`` or ``0.8x``.

        Raises:
            UsageError: It is neither, or a share of 1 or more.
        """
        match = re.fullmatch(r"\s*(\d*\.?\d+)\s*x\s*", text)
        if match is None:
            return cls(ms=parse_milliseconds(text))
        share = float(match.group(1))
        if not 0 < share < 1:
            raise UsageError(f"--budget as a share of the network's own latency is between 0 and 1, got {text!r}")
        return cls(share=share)

    def limit_ms(self, seed_ms: float) -> float:
        """The budget in milliseconds, where the seed takes ``seed_ms``."""
        return self.ms if self.ms is not None else (self.share or 1.0) * seed_ms
