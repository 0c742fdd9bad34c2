"""Pictures that a user names one by one, as folders or as archives, decoded a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from PIL import Image

from edgesmith.core.errors import DataError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.names import is_archive_name, is_picture_name
from edgesmith.data.pictures import PictureError, decode
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.samples import Problem
from edgesmith.data.sources import open_source


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """A picture that is not read yet, and what messages and answers call it."""

    label: str
    read: Callable[[], bytes]


def find_pictures(paths: Sequence[Path]) -> list[PictureFile]:
    """All pictures that paths name; a folder or archive stands for those in it.

    Raises:
        DataError: Nothing is there, or no picture is in it.
    """
    return [picture for path in paths for picture in _find(path)]


def open_pictures(
    pictures: Sequence[PictureFile], *, apply_orientation: bool, problems: list[Problem], stop: bool
) -> list[tuple[str, Image.Image]]:
    """Labels and decoded pictures; what cannot be read is added to ``problems``, or raised if ``stop``.

    Raises:
        DataError: One cannot be read, and ``stop`` is on; the message names it.
    """
    found = []
    for picture in pictures:
        try:
            image = decode(picture.read(), name=picture.label, apply_orientation=apply_orientation)
            found.append((picture.label, image))
        except DataError as error:
            if stop:
                raise
            kind = error.kind if isinstance(error, PictureError) else "unreadable"
            problems.append(Problem(kind=kind, file=picture.label, detail=str(error)))
    return found


def each_picture(
    paths: Sequence[Path],
    rule: Preprocessing,
    *,
    bad_pictures: Literal["error", "skip"],
    problems: list[Problem],
    progress: Progress = SILENT,
) -> Iterator[tuple[str, Image.Image]]:
    """Labels and decoded pictures, one at a time: answers for places are large.

    Args:
        paths: Pictures, folders, archives.
        rule: Says whether pictures are turned as their EXIF tag asks.
        bad_pictures: ``error`` stops at the first picture that cannot be read; ``skip`` adds it to ``problems``.
        problems: Takes what cannot be read.
        progress: Told of each picture.

    Raises:
        DataError: Nothing is there, there are no pictures, or one cannot be read; the message names it.
    """
    found = find_pictures(paths)
    with progress.stage("predict", len(found), "pictures") as stage:
        for each in found:
            yield from open_pictures(
                [each],
                apply_orientation=rule.apply_orientation,
                problems=problems,
                stop=bad_pictures == "error",
            )
            stage.advance()


def free_stem(stem: str, taken: set[str]) -> str:
    """Pictures of one name in several folders get files of their own."""
    number, free = 2, stem
    while free in taken:
        free, number = f"{stem}-{number}", number + 1
    taken.add(free)
    return free


def _find(path: Path) -> list[PictureFile]:
    if path.is_file() and not is_archive_name(path.name):
        return [PictureFile(label=str(path), read=partial(_read, path))]
    source = open_source(path)
    names = [name for name in source.names() if is_picture_name(name)]
    if not names:
        raise DataError(f"no pictures in {source.location}; their names end in .jpg, .png and the like")
    return [PictureFile(label=source.describe(name), read=partial(source.read, name)) for name in names]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
