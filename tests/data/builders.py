"""Small picture sets for the tests, with the faults that field sets have."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def noise(width: int = 20, height: int = 16, *, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def encode(image: Image.Image, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def write_pictures(root: Path, counts: Mapping[str, int], *, width: int = 20, height: int = 16) -> Path:
    """``counts`` maps a folder such as ``train/a`` to its number of pictures, all of them different."""
    seed = 0
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            seed += 1
            content = encode(noise(width, height, seed=seed), "PNG")
            (root / folder / f"{index:03d}.png").write_bytes(content)
    return root


def zip_folder(folder: Path, archive: Path, *, prefix: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, prefix + path.relative_to(folder).as_posix())
    return archive


def tar_folder(folder: Path, archive: Path, *, prefix: str = "set") -> Path:
    with tarfile.open(archive, "w:gz" if archive.name.endswith("gz") else "w") as packed:
        packed.add(folder, arcname=prefix)
    return archive


def write_tar(path: Path, members: Mapping[str, bytes]) -> None:
    """A tar archive of these members, in this order."""
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
