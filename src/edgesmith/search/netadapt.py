"""NetAdapt's steps: proposals that are faster by enough, and the choice among them.

Paper: MobileNetV3, section 4.2, after Yang et al. 2018. The paper's rule keeps the proposal that loses least accuracy
for each millisecond saved; the original's keeps the most accurate one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edgesmith.arch.edits.widths import Width, WidthKind, widths_of, with_width
from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError

STEP: Final = 8


class Rule(StrEnum):
    """Which proposal wins: MobileNetV3's slope, or the original's accuracy."""

    SLOPE = "slope"
    ACCURACY = "accuracy"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How much faster each step must be, as a share of the seed's latency.

    Attributes:
        share: Of the first step; the paper's 0.01.
        decay: Factor from step to step; the paper has none, the original's code 0.96 with a share of 0.025.
    """

    share: float = 0.01
    decay: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or not 0 < self.decay <= 1:
            raise UsageError(
                f"a step's share must be between 0 and 1 and its decay at most 1, got {self.share:g} and {self.decay:g}"
            )

    def cut_ms(self, number: int, seed_ms: float) -> float:
        """Milliseconds that step ``number`` (from 0) must save."""
        return self.share * self.decay**number * seed_ms


PAPER: Final = Schedule()
ORIGINAL: Final = Schedule(share=0.025, decay=0.96)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A network with one width less wide.

    Attributes:
        spec: The network.
        width: What was narrowed, as the network before called it.
        channels: How many it has now.
        ms: Its predicted latency.
    """

    spec: NetSpec
    width: Width
    channels: int
    ms: float

    def describe(self) -> str:
        """In a few words."""
        return f"{self.width.name}: {self.width.channels} to {self.channels}"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A proposal that was fine-tuned for a little and scored.

    Attributes:
        proposal: The proposal.
        accuracy: 0..1.
        ms: Its latency, measured where it was, else predicted.
    """

    proposal: Proposal
    accuracy: float
    ms: float


def propose(
    spec: NetSpec, predict: Callable[[NetSpec], float], *, limit_ms: float, step: int = STEP
) -> tuple[Proposal, ...]:
    """For every width the largest multiple of ``step`` under which the network is fast enough and of the same make.

    Args:
        spec: The network to be made faster.
        predict: Latency of a network, in milliseconds.
        limit_ms: What a proposal may take.
        step: Widths are multiples of it; none reaches zero.
    """
    found = []
    for width in widths_of(spec):
        unit = step * width.unit
        for channels in range((width.channels - 1) // unit * unit, 0, -unit):
            narrower = with_width(spec, width, channels)
            ms = predict(narrower)
            if ms <= limit_ms and is_same_make(spec, narrower):
                found.append(Proposal(spec=narrower, width=width, channels=channels, ms=ms))
                break
    return tuple(found)


def limit_of(ms: float, *, cut_ms: float, aim_ms: float) -> float:
    """What the next step's proposals may take: a cut less than now, but no less than the budget asks for.

    Args:
        ms: Latency now.
        cut_ms: What a step must save, from `Schedule.cut_ms`.
        aim_ms: Where the last step is to land, a little under the budget.
    """
    return max(ms - cut_ms, aim_ms)


def near(proposals: Sequence[Proposal], *, floor_ms: float) -> tuple[Proposal, ...]:
    """Proposals that do not fall far below the budget; all of them where every one does.

    Args:
        proposals: From `propose`.
        floor_ms: Below it too much of the budget is left unused.
    """
    return tuple(each for each in proposals if each.ms >= floor_ms) or tuple(proposals)


def narrowest(spec: NetSpec, *, step: int = STEP) -> NetSpec:
    """Every width at its least, the bottlenecks' first: about the fastest network that can be reached."""
    for kind in (WidthKind.BOTTLENECK, WidthKind.EXPANSION, WidthKind.HEAD):
        for place in range(len(widths_of(spec))):
            width = widths_of(spec)[place]
            if width.kind is kind:
                counts = range(step * width.unit, width.channels, step * width.unit)
                options = (with_width(spec, width, channels) for channels in counts)
                spec = next((narrower for narrower in options if is_same_make(spec, narrower)), spec)
    return spec


def is_same_make(spec: NetSpec, narrower: NetSpec) -> bool:
    """Whether all tensors are still there: an expansion as wide as its input would go, with its convolution."""
    return trace_network(spec).tensors().keys() == trace_network(narrower).tensors().keys()


def choose(tried: Sequence[Tried], *, accuracy: float, ms: float, rule: Rule = Rule.SLOPE) -> Tried:
    """The proposal to go on with.

    Args:
        tried: Proposals that were scored, at least one; all are faster than what they were made from.
        accuracy: Of the network they were made from.
        ms: Its latency.
        rule: How they are compared.

    Raises:
        UsageError: None is faster.
    """
    faster = [each for each in tried if each.ms < ms]
    if not faster:
        raise UsageError(f"none of {len(tried)} proposals is faster than {ms:.3f} ms")
    if rule is Rule.ACCURACY:
        return max(faster, key=lambda each: (each.accuracy, -each.ms))
    return max(faster, key=lambda each: ((each.accuracy - accuracy) / (ms - each.ms), -each.ms))
