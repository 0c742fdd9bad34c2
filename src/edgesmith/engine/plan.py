"""What happens at each step of a run, as pure functions of the step number: there is no schedule to restore."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edgesmith.core.table import lookup
from edgesmith.engine.batches import Loader
from edgesmith.engine.config import ScheduleConfig, TrainConfig

_MOST_WARMUP: Final = 0.2  # of the run


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A config applied to a set of pictures.

    Attributes:
        config: What is asked for.
        resolution: Height and width that the net is for.
        num_images: Training pictures.
        num_batches: Batches an epoch.
    """

    config: TrainConfig
    resolution: tuple[int, int]
    num_images: int
    num_batches: int

    @property
    def num_steps(self) -> int:
        """Steps of the whole run: to the pictures asked for, or within half a batch of them."""
        epochs, rest = divmod(self.config.pictures, self._images_per_epoch)
        return max(1, epochs * self.num_batches + round(rest / self.config.batch_size))

    @property
    def _images_per_epoch(self) -> int:
        return min(self.num_images, self.num_batches * self.config.batch_size)

    @property
    def _images_per_step(self) -> float:
        return self._images_per_epoch / self.num_batches

    def position_at(self, step: int) -> tuple[int, int]:
        """Epoch, and number of the batch in it, of one step."""
        return divmod(step, self.num_batches)

    def pictures_at(self, step: int) -> int:
        """Pictures seen in the steps before this one."""
        epoch, batch = self.position_at(step)
        return epoch * self._images_per_epoch + min(batch * self.config.batch_size, self._images_per_epoch)

    def rate_at(self, step: int) -> float:
        """Learning rate of one step, from 0 to below `num_steps`."""
        optim, schedule = self.config.optim, self.config.schedule
        scale = self.config.batch_size / optim.reference_batch_size if optim.reference_batch_size else 1.0
        warmup_steps = self._warmup_pictures / self._images_per_step
        warm = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
        shape = lookup(_SHAPES, schedule.name, what="schedule.name")
        return optim.learning_rate * scale * warm * shape(schedule, step / self.num_steps, step / self.num_batches)

    def backbone_share_at(self, step: int) -> float:
        """Share of the rate that the backbone has: none while only the head learns."""
        return 0.0 if self.pictures_at(step) < self.config.frozen_pictures else self.config.optim.backbone_rate

    @property
    def warmup_steps(self) -> int:
        """Steps until the rate has climbed."""
        return math.ceil(self._warmup_pictures / self._images_per_step)

    @property
    def _warmup_pictures(self) -> float:
        return min(self.config.schedule.warmup_pictures, _MOST_WARMUP * self.config.pictures)

    def resolution_at(self, step: int) -> tuple[int, int]:
        """Height and width of the training pictures of one step."""
        shares = self.config.resolution_steps
        share = shares[min(step * len(shares) // self.num_steps, len(shares) - 1)]
        return (_side(self.resolution[0], share), _side(self.resolution[1], share))

    def resolutions(self) -> tuple[tuple[int, int], ...]:
        """Height and width of each part of the run; the parts are equally long."""
        return tuple(
            (_side(self.resolution[0], share), _side(self.resolution[1], share))
            for share in self.config.resolution_steps
        )

    def stretch_end(self, step: int) -> int:
        """The first step after ``step`` at which an epoch or a resolution begins, or the run's end."""
        parts = len(self.config.resolution_steps)
        part_end = math.ceil((step * parts // self.num_steps + 1) * self.num_steps / parts)
        epoch_end = (step // self.num_batches + 1) * self.num_batches
        return min(part_end, epoch_end, self.num_steps)

    def is_evaluated_after(self, steps: int) -> bool:
        """Whether the held-out part is scored once that many steps are done; the run's end is not among them."""
        every = self.config.evaluate_every_pictures
        if every is None or steps == self.num_steps:
            return False
        return steps % max(1, round(every / self._images_per_step)) == 0


def plan_run(config: TrainConfig, loader: Loader, *, resolution: tuple[int, int]) -> Plan:
    """The plan of training on what ``loader`` gives."""
    return Plan(config=config, resolution=resolution, num_images=loader.num_images, num_batches=loader.num_batches)


def _side(full: int, share: float) -> int:
    """A multiple of 16, because every stage of the net halves it; small nets keep 32 pixels."""
    return full if share == 1 else min(full, max(32, 16 * round(full * share / 16)))


def _constant(schedule: ScheduleConfig, share: float, epoch: float) -> float:
    return 1.0


def _cosine(schedule: ScheduleConfig, share: float, epoch: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


def _exponential(schedule: ScheduleConfig, share: float, epoch: float) -> float:
    return float(schedule.decay ** math.floor(epoch / schedule.every_epochs))


_SHAPES: Final[Mapping[str, Callable[[ScheduleConfig, float, float], float]]] = MappingProxyType(
    {"constant": _constant, "cosine": _cosine, "exponential": _exponential}
)
