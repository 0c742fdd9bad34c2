"""What the loops need of a loader; `edgesmith.data` has some that offer it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Batch(Protocol):
    """Some training pictures with what is known of them."""

    @property
    def images(self) -> Tensor:
        """``(N, 3, H, W)`` float32, normalised."""

    @property
    def targets(self) -> Any:
        """What the task's loss reads."""


class Loader(Protocol):
    """Training batches that are a function of their epoch and number.

    A batch is the same, augmentation included, whenever and in whichever process it is asked for; only so can a
    killed run go on as if nothing had happened.
    """

    @property
    def num_images(self) -> int:
        """Training pictures."""

    @property
    def batch_size(self) -> int:
        """Pictures a batch; the last of an epoch may hold fewer."""

    @property
    def num_batches(self) -> int:
        """Batches an epoch."""

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[Batch]:
        """The batches of one epoch from ``start_batch`` on, as pictures of ``height`` and ``width`` pixels."""


class EvaluationBatch(Protocol):
    """Some pictures with what they should be, without torch, because files are scored with them too."""

    @property
    def images(self) -> NDArray[np.float32]:
        """``(N, 3, H, W)`` normalised; ``N`` may be 0 where every picture was bad."""

    @property
    def labels(self) -> Any:
        """What the task's metric reads."""
