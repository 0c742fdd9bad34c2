"""What is left to do to a file's answers before they are those of the network: the same for all who run files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.heads.lr_aspp import LrAspp
from edgesmith.arch.heads.r_aspp import RAspp
from edgesmith.arch.heads.ssdlite import SsdLite
from edgesmith.arch.spec import NetSpec
from edgesmith.runtimes.base import TensorInfo
from edgesmith.tasks.boxes import BoxRule, as_answers

Floats = NDArray[np.float32]
Finish = Callable[[Floats], Floats]

BOXES_NAME: Final = "boxes"  # of the output of a file that suppresses overlaps itself
BOX_VALUES: Final = 6
ALIGNED: Final = "aligned"
HALF: Final = "half"


def finisher(spec: NetSpec, output: TensorInfo) -> Finish:
    """What turns the answers of a file, as `run_pictures` gives them, into those of the network.

    A detector's file may have suppressed overlaps itself; a segmenter's may leave the last resize to others.
    """
    head = spec.head
    if isinstance(head, SsdLite) and gives_boxes(output):
        return partial(as_answers, num_classes=spec.num_classes)
    if isinstance(head, LrAspp | RAspp):
        return partial(enlarge, size=spec.resolution, align_corners=head.align_corners)
    return as_is


def as_is(answers: Floats) -> Floats:
    """The answers themselves."""
    return answers


def gives_boxes(output: TensorInfo) -> bool:
    """Whether a file answers with the boxes that are left after suppression."""
    return output.name == BOXES_NAME and len(output.shape) == 2 and output.shape[1] == BOX_VALUES


def pad_boxes(rows: Floats) -> Floats:
    """One picture's boxes ``(K, 6)`` as ``(1, most, 6)``: rows of zeros are none."""
    padded = np.zeros((1, BoxRule().most, BOX_VALUES), dtype=np.float32)
    padded[0, : len(rows)] = rows
    return padded


def enlarge(logits: Floats, size: Sequence[int], *, align_corners: bool) -> Floats:
    """Bilinear resize of ``(N, classes, h, w)`` to a height and a width, as the network's last step does it."""
    if tuple(logits.shape[2:]) == tuple(size):
        return logits
    rows, columns = (_shares(old, new, align_corners) for old, new in zip(logits.shape[2:], size, strict=True))
    return np.asarray(rows @ logits @ columns.T, dtype=np.float32)


def _shares(old: int, new: int, align_corners: bool) -> Floats:
    """``(new, old)``: what each new place takes of the old ones."""
    places = (
        np.arange(new) * ((old - 1) / max(new - 1, 1)) if align_corners else (np.arange(new) + 0.5) * old / new - 0.5
    )
    places = places.clip(0, old - 1)
    first = np.minimum(places.astype(np.int64), max(old - 2, 0))
    shares = np.zeros((new, old), dtype=np.float32)
    shares[np.arange(new), first] = 1 - (places - first)
    if old > 1:
        shares[np.arange(new), first + 1] = places - first
    return shares
