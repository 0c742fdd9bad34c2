"""From a set of any layout to WebDataset shards, which disks and networks read many times faster than small files."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from PIL import Image

from edgesmith.core.errors import UsageError
from edgesmith.core.files import atomic_folder
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.data.coco import pixels_of, size_of
from edgesmith.data.dataset import Dataset, read_file
from edgesmith.data.masks import read_mask
from edgesmith.data.pictures import PictureError
from edgesmith.data.samples import Sample
from edgesmith.data.shards import BOXES_SUFFIX, CLASSES_NAME, LABEL_SUFFIX, MASK_SUFFIX

SHARD_BYTES: Final = 256_000_000
_LEAST: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What was written.

    Attributes:
        path: The folder.
        shards: Their number by split.
        num_images: Pictures in all of them.
    """

    path: Path
    shards: Mapping[str, int]
    num_images: int


def pack(
    dataset: Dataset, path: Path, *, shard_bytes: int = SHARD_BYTES, seed: int = 0, progress: Progress = SILENT
) -> Packed:
    """Write ``train-000000.tar`` and so on, and ``classes.txt``; pictures keep their bytes, masks their classes.

    The order is shuffled once, so that each shard is a fair sample of its split. The same set, size and seed give the
    same bytes.

    Args:
        dataset: The set.
        path: A new folder.
        shard_bytes: Size of a shard, about.
        seed: Shuffles.
        progress: Told how far it is.

    Raises:
        UsageError: The folder is there and holds something, or shards would be tiny.
        DataError: A picture, its mask or its boxes cannot be read.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} is there already; pack writes a new folder")
    if shard_bytes < _LEAST:
        raise UsageError(f"a shard has at least {_LEAST} bytes, got {shard_bytes}; usual are 100 MB to 1 GB")
    shards: dict[str, int] = {}
    with atomic_folder(path) as folder, progress.stage("packing", dataset.num_images, "pictures") as stage:
        (folder / CLASSES_NAME).write_text("".join(f"{name}\n" for name in dataset.classes), encoding="utf-8")
        for split, samples in dataset.splits.items():
            order = generator(seed, "pack", split).permutation(len(samples)).tolist()
            with closing(_Writer(folder, split, shard_bytes)) as writer:
                for number, place in enumerate(order):
                    sample = samples[place]
                    picture = read_file(dataset.source, sample.name)
                    writer.add(f"{number:08d}", PurePosixPath(sample.name).suffix, picture, _known(dataset, sample))
                    stage.advance()
                shards[split] = writer.close()
    return Packed(path=path, shards=shards, num_images=dataset.num_images)


def _known(dataset: Dataset, sample: Sample) -> tuple[str, bytes]:
    """What stands beside a picture: its class, its mask, or its boxes in pixels of the size that they were drawn on."""
    if sample.fault:
        reason = f"{sample.fault}; edgesmith check --fix DIR writes a set without such pictures"
        raise PictureError(dataset.source.describe(sample.name), kind="bad_annotation", reason=reason)
    if dataset.task == "classification":
        return LABEL_SUFFIX, str(sample.label).encode()
    if dataset.mask_code is not None:
        buffer = io.BytesIO()
        mask = read_mask(read_file(dataset.source, sample.mask), dataset.mask_code, name=sample.mask)
        Image.fromarray(mask).save(buffer, "PNG")
        return MASK_SUFFIX, buffer.getvalue()
    width, height = size_of(dataset, sample)
    objects = [
        {"label": box.label, "bbox": pixels_of(box, (width, height)), "iscrowd": int(box.crowd)} for box in sample.boxes
    ]
    return BOXES_SUFFIX, json.dumps({"width": width, "height": height, "objects": objects}).encode()


def describe(packed: Packed) -> Sequence[str]:
    """For people."""
    counts = ", ".join(f"{count} of {split}" for split, count in packed.shards.items())
    return (f"{packed.path}: {packed.num_images} pictures in shards: {counts}",)


class _Writer:
    """Shards of one split, one after the other."""

    def __init__(self, folder: Path, split: str, shard_bytes: int) -> None:
        self._folder, self._split, self._limit = folder, split, shard_bytes
        self._archive: tarfile.TarFile | None = None
        self._count, self._size = 0, 0

    def add(self, key: str, suffix: str, picture: bytes, known: tuple[str, bytes]) -> None:
        if self._archive is None or self._size >= self._limit:
            self.close()
            name = f"{self._split}-{self._count:06d}.tar"
            self._archive = tarfile.open(self._folder / name, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 (see close)
            self._count, self._size = self._count + 1, 0
        for end, data in ((suffix.lower(), picture), known):
            header = tarfile.TarInfo(f"{key}{end}")
            header.size = len(data)
            self._archive.addfile(header, io.BytesIO(data))
            self._size += tarfile.BLOCKSIZE * (1 + -(-len(data) // tarfile.BLOCKSIZE))

    def close(self) -> int:
        """End the shard that is open; how many there are."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None
        return self._count
