"""Logits to named classes, with numpy alone: what ``predict`` needs where torch is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import ExportError


@dataclass(frozen=True, kw_only=True)
class ScoredClass:
    """One class that a picture may show.

    Attributes:
        index: Position among the logits.
        name: The class as the training data named it.
        score: Softmax probability, 0..1.
    """

    index: int
    name: str
    score: float


def softmax(logits: NDArray[np.generic]) -> NDArray[np.float64]:
    """Probabilities along the last axis; large logits do not overflow."""
    values = np.asarray(logits, dtype=np.float64)
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    scores: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return scores


def decode(
    logits: NDArray[np.generic], class_names: Sequence[str], *, count: int = 5
) -> tuple[tuple[ScoredClass, ...], ...]:
    """The likeliest classes of each picture, the likeliest first; of equal scores the earlier class comes first.

    Args:
        logits: ``(N, classes)``, before the softmax.
        class_names: One name a logit.
        count: Classes to give for each picture; all of them if there are fewer.

    Raises:
        ExportError: The file does not give one logit for each class.
    """
    if logits.ndim != 2 or logits.shape[1] != len(class_names):
        raise ExportError(
            f"the model gives outputs of shape {tuple(logits.shape)}, but {len(class_names)} classes are stored with it"
        )
    scores = softmax(logits)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return tuple(
        tuple(ScoredClass(index=int(i), name=class_names[int(i)], score=float(row[i])) for i in best)
        for row, best in zip(scores, order, strict=True)
    )
