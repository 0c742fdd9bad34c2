"""Learned group convolutions turned into grouped ones, and proof on pictures that nothing was lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgesmith.core.errors import WeightsError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.evaluation import Crops
from edgesmith.deploy.parity import compare
from edgesmith.engine.evaluate import eager
from edgesmith.nn.build import Net
from edgesmith.nn.learned_groups import learned_matrices
from edgesmith.recipes.batches import batches_of
from edgesmith.weights.condense import condense

_TOLERANCE: Final = 1e-4


@dataclass(frozen=True, kw_only=True)
class Condensing:
    """How the deployed form of a net compares with the form that was trained.

    Attributes:
        relative: Largest difference over the largest answer.
        top1_before: Share of pictures that the trained form gets right, 0..1.
        top1_after: The same for the deployed form.
        num_images: Pictures compared.
    """

    relative: float
    top1_before: float
    top1_after: float
    num_images: int


def condense_checked(net: Net, crops: Crops, *, progress: Progress = SILENT) -> tuple[Net, Condensing | None]:
    """The deployed form of a net, compared with the trained one on ``crops``.

    A net without learned matrices comes back as it is, with None.

    Raises:
        WeightsError: The two forms do not answer the same.
    """
    count = len(learned_matrices(net))
    if not count:
        return net, None
    made = condense(net)
    before, after = (
        np.concatenate([np.asarray(eager(form)(batch.images)) for batch in batches_of(crops)]) for form in (net, made)
    )
    parity = compare(before, after, tolerance=_TOLERANCE)
    if not parity.passed:
        raise WeightsError(f"condensing changed the answers by {parity.relative:.1e} of the largest; it was not kept")
    found = Condensing(
        relative=parity.relative,
        top1_before=float((before.argmax(axis=1) == crops.labels).mean()),
        top1_after=float((after.argmax(axis=1) == crops.labels).mean()),
        num_images=len(crops.samples),
    )
    progress.note(
        f"{count} learned group convolutions became grouped ones: answers differ by {found.relative:.1e} of the "
        f"largest, top-1 {found.top1_before:.2%} before and {found.top1_after:.2%} after on {found.num_images} pictures"
    )
    return made, found
