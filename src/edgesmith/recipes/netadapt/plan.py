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


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What things take here.

    Attributes:
        pictures_per_s: That one process trains.
        trial_s: Of a proposal, beside its training: scoring, reading and writing weights.
        accept_s: Of a step, beside its proposals: export, parity, measuring.
        slots: Proposals at work side by side.
    """

    pictures_per_s: float
    trial_s: float
    accept_s: float
    slots: int

    def step_s(self, num_proposals: int, pictures: int) -> float:
        """Seconds of a whole step."""
        each = self.trial_s + pictures / self.pictures_per_s
        return self.accept_s + each * math.ceil(num_proposals / self.slots)

    def slower(self, factor: float) -> Costs:
        """The same where everything takes ``factor`` times as long."""
        return Costs(
            pictures_per_s=self.pictures_per_s / factor,
            trial_s=self.trial_s * factor,
            accept_s=self.accept_s * factor,
            slots=self.slots,
        )


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """How the next steps go.

    Attributes:
        share: What each saves at least, as a share of the seed's latency.
        pictures: That each proposal is fine-tuned on.
        num_steps: How many there will be.
        seconds: What they will take.
    """

    share: float
    pictures: int
    num_steps: int
    seconds: float


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
    two must do.

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
    for wanted in (count * batch_size for count in _BATCHES):
        for share in shares:
            steps = max(1, math.ceil(cut / (share * _OVERSHOOT)))
            rounds = math.ceil(num_proposals / costs.slots)
            each_s = (seconds / steps - costs.accept_s) / rounds - costs.trial_s
            affordable = min(max(wanted, most_pictures), int(each_s * costs.pictures_per_s))
            chosen = affordable if pictures is None else pictures
            if affordable >= (wanted if pictures is None else pictures):
                return _step_plan(costs, share, chosen, steps, num_proposals)
    steps = max(1, math.ceil(cut / (shares[-1] * _OVERSHOOT)))
    return _step_plan(costs, shares[-1], pictures or _BATCHES[-1] * batch_size, steps, num_proposals)


def shares_from(first: float, *, fixed: bool) -> tuple[float, ...]:
    """Cuts to choose from: only the first where the user has chosen it, else all that are no smaller."""
    return (first,) if fixed else (first, *(each for each in SHARES if each > first))


def _step_plan(costs: Costs, share: float, pictures: int, steps: int, num_proposals: int) -> StepPlan:
    seconds = steps * costs.step_s(num_proposals, pictures)
    return StepPlan(share=share, pictures=pictures, num_steps=steps, seconds=seconds)
