"""The main job on real pictures that come with a dependency: no download."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from edgesmith.core.extras import require
from edgesmith.core.files import atomic_file
from edgesmith.core.progress import SILENT, Progress
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_result import FitResult

DATA_NAME: Final = "digits.zip"
_VAL_EVERY: Final = 5
_ENLARGED: Final = 32


def quickstart(
    *, budget: str, time: str, seed: int, out: Path, overwrite: bool = False, progress: Progress = SILENT
) -> FitResult:
    """Fit a classifier of handwritten digits within a budget.

    The pictures are scikit-learn's 1,797 digits of 8x8 pixels, which 43 people wrote; every fifth of each digit is
    for validation.

    Args:
        budget: As of `FitConfig`.
        time: As of `FitConfig`.
        seed: As of `FitConfig`.
        out: The run folder; the pictures lie beside it as an archive that `fit` opens like any other.
        overwrite: Throw away an earlier run.
        progress: Told of each stage.
    """
    data = out.with_name(f"{out.name}-{DATA_NAME}")
    if not data.is_file():
        write_digits(data)
    # A mirrored digit is another sign, and a small crop of one shows nothing.
    settings = ("augment.flip=0", "augment.scale=0.7,1.0")
    config = FitConfig(data=str(data), budget=budget, time=time, seed=seed, settings=settings, weights="none")
    return fit(config, out=out, overwrite=overwrite, progress=progress)


def write_digits(path: Path) -> None:
    """Write scikit-learn's digits as an archive of PNG files, a folder per split and class."""
    datasets = require("sklearn.datasets", extra="train")
    from PIL import Image

    digits = datasets.load_digits()
    seen = [0] * 10
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for index, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
            split = "val" if seen[label] % _VAL_EVERY == 0 else "train"
            seen[label] += 1
            grey = Image.fromarray((255 - pixels * 15).clip(0, 255).astype("uint8"))
            with archive.open(f"{split}/{label}/{index:04d}.png", "w") as file:
                grey.resize((_ENLARGED, _ENLARGED), Image.Resampling.BICUBIC).save(file, "PNG")
