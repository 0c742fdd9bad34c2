"""WebDataset shards: numbered tar files whose members lie side by side, read at random by offset.

A shard is ``train-000012.tar`` with members ``KEY.jpg`` and ``KEY.cls``, the class as a number or a name, or with
``KEY.json``, the picture's boxes, or with ``KEY.mask.png``, the class of each pixel by its number, 255 for none. What
stands before the number is the split where it is a split's name. ``classes.txt`` beside the shards names the classes
by line.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edgesmith.core.errors import DataError
from edgesmith.data.archives import clean_name, index_names
from edgesmith.data.names import is_leftover, is_picture_name

CLASSES_NAME: Final = "classes.txt"
LABEL_SUFFIX: Final = ".cls"
BOXES_SUFFIX: Final = ".json"
MASK_SUFFIX: Final = ".mask.png"
_SHARD: Final = re.compile(r"(?P<prefix>.+)-\d{3,}\.tar", re.IGNORECASE)
_SPLITS: Final = ("train", "val", "valid", "validation", "test")


def is_shard_name(name: str) -> bool:
    """Whether a file is called as one of several shards is."""
    return _SHARD.fullmatch(name) is not None


class ShardSource:
    """Several shards as one set of ``SPLIT/CLASS/SHARD/KEY.jpg``; files are opened for each read.

    Pictures with boxes or masks lie in ``SPLIT/SHARD/KEY.jpg``.

    Attributes:
        annotations: What stands beside each picture with boxes, by its name.
        masks: The name of each picture's mask, by the picture's.
        class_names: From ``classes.txt``.

    Args:
        location: The folder that they lie in.
        shards: Their names there.

    Raises:
        DataError: One is no tar archive, or a picture has neither class nor boxes nor mask.
    """

    def __init__(self, location: Path, shards: Sequence[str]) -> None:
        self.location: Path = location
        self._shards = tuple(sorted(shards))
        self._members: dict[str, tuple[int, str, int, int]] = {}
        self.annotations: dict[str, str] = {}
        self.masks: dict[str, str] = {}
        self.class_names = _class_names(location)
        folders = class_folders(self.class_names)
        for number, shard in enumerate(self._shards):
            self._add(number, shard, folders)
        bare = self._members.keys() - self.masks.keys() - set(self.masks.values()) if self.masks else set()
        if bare:
            raise DataError(
                f"{self.describe(min(bare))} has no {MASK_SUFFIX} beside it, and pictures of other shards do"
            )
        self._names, self._folders = index_names(self._members, [])

    def names(self) -> Sequence[str]:
        """Pictures and masks, sorted."""
        return self._names

    def folders(self) -> Sequence[str]:
        """Splits, classes, and shards in them."""
        return self._folders

    def read(self, name: str) -> bytes:
        """The picture's bytes, read at its offset.

        Raises:
            DataError: The shard was cut short or cannot be read.
        """
        number, _, offset, size = self._members[name]
        try:
            descriptor = os.open(self.location / self._shards[number], os.O_RDONLY)
            try:
                content = os.pread(descriptor, size, offset)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DataError(f"cannot read {self.describe(name)}: {error.strerror or error}") from error
        if len(content) != size:
            raise DataError(f"cannot read {self.describe(name)}: the shard ends before the picture does")
        return content

    def describe(self, name: str) -> str:
        """Shard and member."""
        number, member, *_ = self._members[name]
        return f"{self.location / self._shards[number]}:{member}"

    def _add(self, number: int, shard: str, class_folders: Sequence[str]) -> None:
        path = self.location / shard
        pictures: dict[str, tuple[str, int, int]] = {}
        labels: dict[str, str] = {}
        boxes: dict[str, str] = {}
        masks: dict[str, tuple[str, int, int]] = {}
        try:
            with tarfile.open(path, mode="r:") as archive:
                for member in archive:
                    name = clean_name(path, member.name)
                    if not member.isreg() or is_leftover(name):
                        continue
                    key, suffix = _split_key(name)
                    if suffix in (LABEL_SUFFIX, BOXES_SUFFIX):
                        file = archive.extractfile(member)
                        text = "" if file is None else file.read().decode("utf-8", "replace").strip()
                        (labels if suffix == LABEL_SUFFIX else boxes)[key] = text
                    elif suffix == MASK_SUFFIX:
                        masks[key] = (member.name, member.offset_data, member.size)
                    elif is_picture_name(suffix):
                        if key in pictures:
                            raise DataError(f"{path} has two pictures of one key: {pictures[key][0]} and {member.name}")
                        pictures[key] = (member.name, member.offset_data, member.size)
        except (OSError, EOFError, tarfile.TarError) as error:
            raise DataError(f"{path} is not a tar archive, or it is damaged: {error}") from error
        known = labels or masks or boxes  # a JSON file beside a class is somebody's notes
        missing = next((member for key, (member, *_) in pictures.items() if not known.get(key)), None)
        if missing is not None and (labels or masks or not boxes):  # boxes that are missing are that picture's fault
            raise DataError(
                f"{path}:{missing} has no {LABEL_SUFFIX} file beside it that tells its class, no {BOXES_SUFFIX} "
                f"file with its boxes and no {MASK_SUFFIX}"
            )
        stem = path.name[: -len(".tar")]
        found = _SHARD.fullmatch(shard)
        prefix = found["prefix"].lower() if found else ""
        split = f"{prefix}/" if prefix in _SPLITS else ""
        for key, (member_name, offset, size) in pictures.items():
            folder = f"{_folder_of(labels[key], class_folders, f'{path}:{member_name}')}/{stem}" if labels else stem
            name = f"{split}{folder}/{key}{_split_key(member_name)[1]}"
            self._members[name] = (number, member_name, offset, size)
            if masks and not labels:
                self.masks[name] = f"{split}{stem}/{key}{MASK_SUFFIX}"
                self._members[self.masks[name]] = (number, *masks[key])
            elif not labels:
                self.annotations[name] = boxes.get(key, "")


def class_folder(name: str) -> str:
    """A class's name as a part of a path: a slash would make it two, and hidden folders are passed over."""
    folder = name.replace("/", "_") or "_"
    return f"_{folder}" if is_leftover(folder) else folder


def class_folders(names: Sequence[str]) -> tuple[str, ...]:
    """A folder's name for each class, no two alike."""
    folders: dict[str, None] = {}
    for name in names:
        folder, number = class_folder(name), 1
        while folder in folders:
            number += 1
            folder = f"{class_folder(name)}-{number}"
        folders[folder] = None
    return tuple(folders)


def _class_names(location: Path) -> Sequence[str]:
    path = location / CLASSES_NAME
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()


def _folder_of(label: str, folders: Sequence[str], where: str) -> str:
    """The folder of a class by its number in ``classes.txt``; without that file numbers are their own names."""
    if not folders or not label.isdecimal():
        return class_folder(label.zfill(4) if label.isdecimal() else label)
    if int(label) >= len(folders):
        raise DataError(f"{where} is of class {label}, and {CLASSES_NAME} names {len(folders)}, counted from 0")
    return folders[int(label)]


def _split_key(name: str) -> tuple[str, str]:
    """The key, and the ending that begins at the first dot of the file's own name."""
    folder, slash, file = name.rpartition("/")
    stem, dot, suffix = file.partition(".")
    return f"{folder}{slash}{stem}", f"{dot}{suffix.lower()}"


def shards_of(names: Sequence[str]) -> Sequence[str]:
    """The shards among a folder's files, where all of its archives are shards; else none."""
    tars = [name for name in names if name.lower().endswith(".tar")]
    return tars if tars and all(is_shard_name(name) for name in tars) else ()
