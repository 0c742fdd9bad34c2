"""What may be taken out of a bundle: the files that its manifest names, and nothing else that lies in the folder."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edgesmith.deploy.bundle import CARD_NAME, CLASSES_NAME, MANIFEST_NAME, SPEC_NAME, Bundle

_IN_MEMORY_BYTES = 1 << 20


def list_names(bundle: Bundle) -> list[str]:
    """Names of the bundle's files and folders that are there."""
    manifest = bundle.manifest
    names = [CARD_NAME, MANIFEST_NAME, SPEC_NAME, CLASSES_NAME, manifest.weights.path]
    for record in manifest.files:
        names += [record.path, *record.companions, *record.samples]
    return [name for name in dict.fromkeys(names) if find_file(bundle, name) is not None]


def find_file(bundle: Bundle, name: str) -> Path | None:
    """A file or folder directly in the bundle; None where it is missing, or a link."""
    path = bundle.folder / name
    if Path(name).name != name or path.is_symlink() or not path.exists():
        return None
    return path


def pack(files: list[tuple[str, Path]]) -> IO[bytes]:
    """A zip of files and folders in a nameless temporary file, which goes when it is closed."""
    packed = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 (whoever sends it closes it)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # weights do not shrink
        for name, path in files:
            for inner, file in _each(name, path):
                archive.write(file, inner)
    packed.seek(0)
    return packed


def _each(name: str, path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield name, path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield f"{name}/{file.relative_to(path).as_posix()}", file
