"""What a run trains and scores on: an opened data set with its pictures decoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any, Final

from edgesmith.core.progress import SILENT, Progress
from edgesmith.data import dataset as datasets
from edgesmith.data.cache import PictureCache, decode_pictures
from edgesmith.data.dataset import Dataset
from edgesmith.data.evaluation import Crops, crop_pictures
from edgesmith.data.loader import TrainLoader
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.samples import Problem, Sample
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.world import find_world
from edgesmith.recipes.remarks import say_kept, say_left_out, say_of_set

CACHE_SHORT_SIDE: Final = 256
DENSE_SHORT_SIDE: Final = 720
_SHORT_SIDES: Final = MappingProxyType(
    {"classification": CACHE_SHORT_SIDE, "segmentation": DENSE_SHORT_SIDE, "detection": 512}
)
CACHE_GB: Final = TrainConfig().cache_gb
_GB: Final = 1_000_000_000
_HELD_FRACTION: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Material:
    """A data set that can be trained on.

    Attributes:
        dataset: The opened set.
        pictures: All of train, decoded.
        typical_side: Median short side of the decoded training pictures, in pixels.
        typical_shape: Median height and width of them.
        cache_gb: Memory for decoded pictures, of training and again of each scoring, in gigabytes.
    """

    dataset: Dataset
    pictures: PictureCache
    typical_side: float
    typical_shape: tuple[float, float]
    cache_gb: float = CACHE_GB

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Remarks on the structure, and training pictures that were left out."""
        return (*self.dataset.problems, *self.pictures.problems)

    def loader(self, samples: Sequence[Sample] | None, config: TrainConfig, rule: Preprocessing) -> TrainLoader:
        """Training batches of some samples of train, or of all."""
        pictures, world = self.pictures if samples is None else self.pictures.subset(samples), find_world()
        return TrainLoader(
            pictures,
            num_classes=len(self.dataset.classes),
            augment=config.augment,
            preprocessing=rule,
            batch_size=min(config.batch_size, len(pictures)),
            seed=config.seed,
            num_workers=config.workers,
            share=(world.rank, world.size),
        )

    def parted(self, seed: int) -> tuple[Sequence[Sample], Sequence[Sample]]:
        """Train in two: what races, searches and NetAdapt train on, and the fifth that they are scored on."""
        return self.dataset.hold_out(_HELD_FRACTION, seed=seed)

    def crops(self, samples: Sequence[Sample], rule: Preprocessing, *, progress: Progress = SILENT) -> Crops:
        """Pictures as evaluation sees them, cut once; beyond the memory for them they lie in a file."""
        return crop_pictures(self.dataset, samples, rule, limit_bytes=round(self.cache_gb * _GB), progress=progress)

    def facts(self) -> dict[str, Any]:
        """What a run's record says of its data."""
        return {
            "path": str(self.dataset.source.location),
            "classes": list(self.dataset.classes),
            "splits": {split: len(samples) for split, samples in self.dataset.splits.items()},
            "skipped_pictures": len(self.pictures.problems),
            "notes": list(self.dataset.notes),
        }


def open_material(
    path: str | Path,
    *,
    seed: int,
    bad_pictures: str = "skip",
    cache_gb: float = CACHE_GB,
    progress: Progress = SILENT,
) -> Material:
    """Open a set, refuse what cannot be trained on, and decode its training pictures.

    Args:
        path: As DATA of the command line.
        seed: Of a split that has to be made.
        bad_pictures: ``skip`` or ``error``: see `Dataset`.
        cache_gb: Memory for decoded pictures, in gigabytes.
        progress: Told what is left out, and what is not kept.

    Raises:
        DataError: As `data.dataset.open` and `Dataset.require_trainable`.
    """
    dataset = datasets.open(path, seed=seed, bad_pictures=bad_pictures)
    dataset.require_trainable()
    say_of_set(dataset, progress)
    pictures = decode_pictures(
        dataset,
        dataset.samples("train"),
        short_side=_SHORT_SIDES[dataset.task],
        limit_bytes=round(cache_gb * _GB),
        progress=progress,
    )
    say_left_out(pictures.problems, progress)
    say_kept(pictures, cache_gb, progress)
    shapes = [pictures.picture(index).shape[:2] for index in range(min(200, len(pictures)))]
    heights, widths = zip(*shapes, strict=True)
    return Material(
        dataset=dataset,
        pictures=pictures,
        typical_side=median(map(min, shapes)),
        typical_shape=(median(heights), median(widths)),
        cache_gb=cache_gb,
    )
