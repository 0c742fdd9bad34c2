"""What a search's time buys on this machine: how many candidates, and how many pictures for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import harmonic_mean
from typing import Final

from edgesmith.core.units import format_duration

# Building a net, cutting and scoring held-out pictures, telling the study.
OVERHEAD_S: Final = 2.0
# With fewer candidates a model of them knows too little; with fewer pictures accuracies are mostly luck.
_ENOUGH_NETS: Final = 48
_MOST_NETS: Final = 400
_LEAST_EPOCHS: Final = 1.0
_LEAST_STEPS: Final = 100
# Of that, for networks that begin with the weights of one that knows the pictures.
_INHERITED: Final = 0.5
_EPOCHS: Final = 4.0
_WORTH: Final = 32


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """What the time buys.

    Attributes:
        trials: Candidates to train for a little.
        pictures: That each is trained on.
        seconds: For all of them.
        workers: Trainings side by side.
        pictures_per_s: That one of them trains on.
        epochs: ``pictures`` as passes over what they are drawn from.
    """

    trials: int
    pictures: int
    seconds: float
    workers: int
    pictures_per_s: float
    epochs: float

    @property
    def is_worth(self) -> bool:
        """Whether so many candidates tell more than the time would be worth to the winner's own training."""
        return self.trials >= _WORTH

    def describe(self) -> str:
        """One line for people."""
        return (
            f"{format_duration(self.seconds)} buy {self.trials} proxy trainings of {self.pictures} pictures "
            f"({self.epochs:.1f} epochs), {self.workers} side by side at {self.pictures_per_s:.0f} pictures/s each"
        )


def plan_search(
    seconds: float,
    speeds: Sequence[float],
    *,
    workers: int,
    num_pictures: int,
    batch_size: int,
    trials: int | None = None,
    pictures: int | None = None,
    overhead_s: float = OVERHEAD_S,
    inherited: bool = False,
) -> SearchPlan:
    """Divide the time between many candidates and many pictures for each.

    A few epochs each if that leaves enough candidates; else enough candidates, as long as each sees every picture
    once and takes a hundred steps, before which accuracies say little. Time beyond that goes into more candidates, and
    once there are plenty into more pictures.

    Args:
        seconds: For all trainings.
        speeds: Pictures a second of some candidates, each in one thread.
        workers: Trainings side by side.
        num_pictures: Pictures that a training draws from.
        batch_size: Pictures of a step.
        trials: The user's number of candidates; None decides here.
        pictures: The user's number of pictures for each; None decides here.
        overhead_s: Of each candidate, beside its training.
        inherited: Whether they begin with the weights of a network that knows the pictures.
    """
    speed = harmonic_mean(speeds)
    total = seconds * workers
    least = least_pictures(num_pictures, batch_size, inherited=inherited)

    def pictures_for(count: int) -> float:
        return (total / count - overhead_s) * speed

    def nets_for(each: float) -> float:
        return total / (each / speed + overhead_s)

    if pictures is not None:
        count = trials or max(1, round(nets_for(pictures)))
    elif trials is not None:
        count, pictures = trials, max(1, round(pictures_for(trials)))
    else:
        enough = min(_ENOUGH_NETS, int(nets_for(least)))
        count = max(1, min(_MOST_NETS, max(round(nets_for(max(_EPOCHS * num_pictures, least))), enough)))
        pictures = max(round(least), round(pictures_for(count)))
    return SearchPlan(
        trials=count,
        pictures=pictures,
        seconds=count * (pictures / speed + overhead_s) / workers,
        workers=workers,
        pictures_per_s=speed,
        epochs=pictures / num_pictures,
    )


def least_pictures(num_pictures: int, batch_size: int, *, inherited: bool = False) -> float:
    """Pictures before which a score tells nothing: each once, and a hundred steps; half of it with inherited weights.

    Args:
        num_pictures: Pictures that a training draws from.
        batch_size: Pictures of a step.
        inherited: Whether it begins with the weights of a network that knows the pictures.
    """
    return (_INHERITED if inherited else 1.0) * max(_LEAST_EPOCHS * num_pictures, _LEAST_STEPS * batch_size)
