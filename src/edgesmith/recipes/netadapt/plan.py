"""What the user's time buys: pictures for each proposal, the cut of each step, and what is left for long training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgesmith.core.errors import UsageError

SHARES: Final = (0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1)
TUNE_SHARE: Final = 0.12
LONG_SHARE: Final = 0.3
_OVERSHOOT: Final = 1.3  # widths come in multiples: a step saves more than it must
_BATCHES: Final = (4, 2)
_MOST_COARSER: Final = 1.7  # from one of SHARES to the next


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What things take here.

    Attributes:
        pictures_per_s: That one process trains.
        trial_s: Of a proposal, beside its training: scoring, reading and writing weights.
        file_s: Of a proposal that is to be measured: making its file, where it was trained.
        measure_s: Of the same: measuring it, one after the other.
        accept_s: Of a step, beside its proposals: export, parity, measuring.
        slots: Proposals at work side by side.
    """

    pictures_per_s: float
    trial_s: float
    accept_s: float
    slots: int
    file_s: float = 0.0
    measure_s: float = 0.0

    def beside_s(self, num_proposals: int, *, measured: bool) -> float:
        """Seconds of a step without any training."""
        each = self.trial_s + (self.file_s if measured else 0.0)
        measuring = self.measure_s * num_proposals if measured else 0.0
        return self.accept_s + measuring + each * math.ceil(num_proposals / self.slots)

    def step_s(self, num_proposals: int, pictures: int, *, measured: bool = False) -> float:
        """Seconds of a whole step."""
        training = pictures / self.pictures_per_s * math.ceil(num_proposals / self.slots)
        return training + self.beside_s(num_proposals, measured=measured)

    def slower(self, factor: float) -> Costs:
        """The same where everything takes ``factor`` times as long."""
        return Costs(
            pictures_per_s=self.pictures_per_s / factor,
            trial_s=self.trial_s * factor,
            accept_s=self.accept_s * factor,
            slots=self.slots,
            file_s=self.file_s * factor,
            measure_s=self.measure_s * factor,
        )


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """How the next steps go.

    Attributes:
        share: What each saves at least, as a share of the seed's latency.
        pictures: That each proposal is fine-tuned on.
        num_steps: How many there will be.
        seconds: What they will take.
        measured: Whether every proposal is measured, and not only what is chosen.
    """

    share: float
    pictures: int
    num_steps: int
    seconds: float
    measured: bool = False


def plan_steps(
    costs: Costs,
    *,
    cut: float,
    seconds: float,
    num_proposals: int,
    batch_size: int,
    most_pictures: int,
    shares: Sequence[float] = SHARES,
    pictures: int | None = None,
) -> StepPlan:
    """The smallest cut a step, and then the most pictures, that there is time for.

    Four batches a proposal are wanted, because a gentle cut needs little mending; where no cut leaves time for them,
    two must do. Every proposal is measured where that costs no more than the next larger cut.

    Args:
        costs: What things take.
        cut: What is still to be saved, as a share of the seed's latency.
        seconds: For all steps together.
        num_proposals: Proposals of a step.
        batch_size: Pictures of a step of training.
        most_pictures: For each proposal; time beyond that is left to the long training.
        shares: Cuts to choose from, rising; one only where the user has chosen.
        pictures: For each proposal, where the user has chosen.

    Raises:
        UsageError: ``shares`` is empty.
    """
    if not shares:
        raise UsageError("no cut to choose from")

    def affordable(share: float, measured: bool) -> int:
        steps = max(1, math.ceil(cut / (share * _OVERSHOOT)))
        left_s = seconds / steps - costs.beside_s(num_proposals, measured=measured)
        return int(left_s / math.ceil(num_proposals / costs.slots) * costs.pictures_per_s)

    def find(measured: bool) -> StepPlan | None:
        for wanted in (count * batch_size for count in _BATCHES):
            for share in shares:
                most = min(max(wanted, most_pictures), affordable(share, measured))
                if most >= (wanted if pictures is None else pictures):
                    chosen = most if pictures is None else pictures
                    return _step_plan(costs, share, chosen, cut, num_proposals, measured=measured)
        return None

    plain, full = find(measured=False), find(measured=True)
    if full is not None and plain is not None and full.share <= _MOST_COARSER * plain.share:
        return full
    least = pictures or _BATCHES[-1] * batch_size
    return plain or _step_plan(costs, shares[-1], least, cut, num_proposals, measured=False)


def shares_from(first: float, *, fixed: bool) -> tuple[float, ...]:
    """Cuts to choose from: only the first where the user has chosen it, else all that are no smaller."""
    return (first,) if fixed else (first, *(each for each in SHARES if each > first))


def _step_plan(
    costs: Costs, share: float, pictures: int, cut: float, num_proposals: int, *, measured: bool
) -> StepPlan:
    steps = max(1, math.ceil(cut / (share * _OVERSHOOT)))
    seconds = steps * costs.step_s(num_proposals, pictures, measured=measured)
    return StepPlan(share=share, pictures=pictures, num_steps=steps, seconds=seconds, measured=measured)
