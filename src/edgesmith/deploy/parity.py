"""Whether a file answers as its source does, on the same pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import ExportError, UsageError
from edgesmith.core.extras import require
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import refuse_training_mode
from edgesmith.runtimes.base import Array, Loaded, from_output, to_input
from edgesmith.runtimes.table import runtime_for

if TYPE_CHECKING:
    from torch import nn

FLOAT_TOLERANCE: Final = 1e-4
PARITY_PICTURES: Final = 32
_CORNERS: Final = 4
_SUREST: Final = 100  # boxes of a picture, as many as COCO looks at


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How far a file's answers lie from its source's.

    Attributes:
        relative: Largest difference over the largest answer, ``max|a-b| / max|b|``, over all pictures together.
        num_pictures: Pictures compared.
        top1_agreement: Share of pictures (of pixels in masks, of a detector's surest boxes) whose best class is the
            same, 0..1.
        tolerance: The bound that ``relative`` had to stay below.
        passed: Whether it did.
        pictures: What they were: ``pictures`` or ``noise``.
        judged_by: What the tolerance bounds: ``relative``, or ``steps`` for two int8 runs (`edgesmith.deploy.steps`).
        step: The step in which an int8 file answers; None where its answers have none.
        steps: The largest difference in such steps.
        corners: Of a detector, the largest difference between corners of its surest boxes, as a share of the picture.
        scores: Of a detector, the largest difference between scores of these boxes.
    """

    relative: float
    num_pictures: int
    top1_agreement: float
    tolerance: float
    passed: bool
    pictures: str = "pictures"
    judged_by: str = "relative"
    step: float | None = None
    steps: float | None = None
    corners: float | None = None
    scores: float | None = None


def compare(expected: NDArray[Any], actual: NDArray[Any], *, tolerance: float = FLOAT_TOLERANCE) -> Parity:
    """Compare two sets of logits ``(N, classes)`` or ``(N, classes, H, W)``, or of boxes ``(N, boxes, 4 + slots)``.

    Args:
        expected: The source's; they must not all be zero, or nothing could be said.
        actual: The file's.
        tolerance: Bound on the relative difference, exclusive.

    Raises:
        ExportError: The shapes differ, or values are not finite or all zero.
    """
    if expected.shape != actual.shape or len(expected) == 0:
        raise ExportError(f"the file answers with shape {actual.shape} where its source gives {expected.shape}")
    largest = float(np.abs(expected).max())
    if not (np.isfinite(expected).all() and np.isfinite(actual).all() and largest > 0):
        raise ExportError("answers are not finite or all zero, so parity cannot be judged; check the weights")
    relative = float(np.abs(actual.astype(np.float64) - expected).max()) / largest
    parity = Parity(
        relative=relative,
        num_pictures=len(expected),
        top1_agreement=float((expected.argmax(axis=1) == actual.argmax(axis=1)).mean()),
        tolerance=tolerance,
        passed=relative < tolerance,
    )
    return _with_boxes(parity, expected, actual) if expected.ndim == 3 else parity


def _with_boxes(parity: Parity, expected: NDArray[Any], actual: NDArray[Any]) -> Parity:
    """A comparison that tells corners and scores apart, of the boxes that the source is surest of."""
    objects = expected[..., _CORNERS + 1 :].max(axis=2)  # the first score is the background's
    surest = np.argsort(-objects, axis=1, kind="stable")[:, :_SUREST, None]
    theirs, ours = (np.take_along_axis(answers, surest, axis=1) for answers in (expected, actual))
    apart = np.abs(theirs.astype(np.float64) - ours)
    classes = [answers[..., _CORNERS + 1 :].argmax(axis=2) for answers in (theirs, ours)]
    return replace(
        parity,
        top1_agreement=float((classes[0] == classes[1]).mean()),
        corners=float(apart[..., :_CORNERS].max()),
        scores=float(apart[..., _CORNERS:].max()),
    )


def check_parity(
    module: nn.Module,
    path: Path,
    batches: Sequence[NDArray[np.uint8]],
    *,
    preprocessing: Preprocessing,
    tolerance: float = FLOAT_TOLERANCE,
) -> Parity:
    """Run file and module on the same pictures and demand the same answers.

    Args:
        module: The source, in evaluation mode.
        path: The file.
        batches: Real pictures as `Preprocessing.crop` gives them, each ``(N, H, W, 3)`` uint8.
        preprocessing: Scales them for the module, and for the file unless it does so itself.
        tolerance: Bound on the relative difference, exclusive.

    Raises:
        ExportError: The answers differ by more; the message has the figure.
        DeviceError: The file cannot be loaded or run.
        UsageError: There are no pictures.
    """
    if not sum(len(batch) for batch in batches):
        raise UsageError("parity needs at least one picture")
    refuse_training_mode(module)
    loaded, eager = runtime_for(path.suffix).load(path), eager_function(module)
    expected = np.concatenate([eager(preprocessing.normalize(batch)) for batch in batches])
    actual = np.concatenate([run_pictures(loaded, batch, preprocessing=preprocessing) for batch in batches])
    parity = compare(expected, actual, tolerance=tolerance)
    if not parity.passed:
        raise ExportError(
            f"{path} differs from its source by {parity.relative:.2e} (limit {tolerance:.0e}) on "
            f"{parity.num_pictures} pictures, same best class on {parity.top1_agreement:.1%}; do not ship it"
        )
    return parity


def takes_pixels(loaded: Loaded) -> bool:
    """Whether the file scales pictures itself: it then asks for uint8 values with the colours last."""
    info = loaded.inputs[0]
    return info.dtype == "uint8" and info.layout == "NHWC" and info.scale is None


def run_pictures(loaded: Loaded, pictures: NDArray[np.uint8], *, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Logits for cropped pictures ``(N, H, W, 3)``; a file of fixed batch size gets them in such portions."""
    info = loaded.inputs[0]
    images: Array = pictures if takes_pixels(loaded) else to_input(preprocessing.normalize(pictures), info)
    fixed = info.shape[0] or len(images)
    missing = -len(images) % fixed
    padded = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)]) if missing else images
    answers = [loaded.run(padded[start : start + fixed]) for start in range(0, len(padded), fixed)]
    return from_output(np.concatenate(answers)[: len(images)], loaded.outputs[0])


def eager_function(module: nn.Module) -> Callable[[NDArray[np.generic]], NDArray[np.float32]]:
    """The module as a function of numpy arrays, without gradients."""
    require("torch", extra="train")
    import torch

    def run(images: NDArray[np.generic]) -> NDArray[np.float32]:
        with torch.inference_mode():
            answers: torch.Tensor = module(torch.from_numpy(np.ascontiguousarray(images)))
            return answers.float().cpu().numpy()

    return run
