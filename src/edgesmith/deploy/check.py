"""A fresh file is run on noise before it takes its name: a wrong graph is found here, whatever it was converted by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import DeviceError, ExportError
from edgesmith.deploy.base import Input
from edgesmith.deploy.parity import compare, eager_function
from edgesmith.runtimes.base import Array, Loaded, TensorInfo, from_output, to_input
from edgesmith.runtimes.table import runtime_for

if TYPE_CHECKING:
    from torch import nn

# Noise is harder on rounding than pictures are; a wrong graph is off by far more.
_NOISE_TOLERANCE: Final = 1e-3
_OPEN_BATCHES: Final = (1, 2, 5)


def check_file(whole: nn.Module, path: Path, images: NDArray[Any], *, batch: int | None) -> Loaded:
    """Run a file at every batch size that it claims, and at one that it must refuse.

    Args:
        whole: What it was converted from.
        path: The file.
        images: Noise as ``whole`` takes it: at least one more than ``batch``, and at least 5 for an open batch.
        batch: Pictures in one run; None where the number is open.

    Returns:
        The file, open.

    Raises:
        ExportError: It does not run, answers otherwise than its source, or takes another number of pictures.
    """
    sizes = _OPEN_BATCHES if batch is None else (batch,)
    expected = eager_function(whole)(images)
    try:
        loaded = runtime_for(path.suffix).load(path)
        for size in sizes:
            parity = compare(expected[:size], _answers(loaded, images[:size]), tolerance=_NOISE_TOLERANCE)
            if not parity.passed:
                raise ExportError(f"at batch {size} the file is off by {parity.relative:.1e}; it was not kept")
    except DeviceError as error:
        raise ExportError(f"the exported file does not run: {error}") from error
    if batch is not None and _accepts(loaded, images[: batch + 1]):
        raise ExportError(f"the file was to be fixed at batch {batch}, but takes others; it was not kept")
    return loaded


def check_ends(loaded: Loaded, wanted: Input) -> tuple[TensorInfo, TensorInfo]:
    """Compare what a file says that it takes and gives with what was asked for.

    Returns:
        Its input and its output.

    Raises:
        ExportError: It takes another type, or steps are missing or not wanted.
    """
    taken, given = loaded.inputs[0], loaded.outputs[0]
    steps = {Input.FLOAT32: (False, False), Input.UINT8: (False, False), Input.INT8: (True, True)}[wanted]
    types = (wanted, wanted if wanted is Input.INT8 else Input.FLOAT32)
    fits = all(
        end.dtype == dtype and (end.scale is not None) == has_step
        for end, dtype, has_step in zip((taken, given), types, steps, strict=True)
    )
    if not fits or (wanted is Input.UINT8 and taken.layout != "NHWC"):
        raise ExportError(
            f"the file was to take {wanted} pictures, but takes {_end(taken)} and gives {_end(given)}; it was not kept"
        )
    return taken, given


def _end(info: TensorInfo) -> str:
    step = "" if info.scale is None else f" in steps of {info.scale:.3g}"
    return f"{info.dtype} {info.shape}{step}"


def _answers(loaded: Loaded, images: NDArray[Any]) -> NDArray[np.float32]:
    given: Array = images if images.dtype == np.uint8 else to_input(images, loaded.inputs[0])
    return from_output(loaded.run(given), loaded.outputs[0])


def _accepts(loaded: Loaded, images: NDArray[Any]) -> bool:
    try:
        _answers(loaded, images)
    except DeviceError:
        return False
    return True
