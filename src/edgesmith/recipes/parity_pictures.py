"""Pictures on which a file is compared with its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.seed import generator
from edgesmith.data import dataset as datasets
from edgesmith.data.evaluation import Crops, crop_pictures
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.parity import PARITY_PICTURES

_NOISE_PICTURES: Final = 4


@dataclass(frozen=True, kw_only=True)
class ParityPictures:
    """What files are compared on.

    Attributes:
        images: ``(N, H, W, 3)`` uint8.
        rule: What they were cut by.
        kind: ``pictures`` or ``noise``, as records say it.
    """

    images: NDArray[np.uint8]
    rule: Preprocessing
    kind: str


def parity_pictures(data: str | None, rule: Preprocessing) -> ParityPictures:
    """The first pictures of a set's evaluation split, or noise where there is no set."""
    if data is None:
        shape = (_NOISE_PICTURES, rule.height, rule.width, 3)
        noise = generator(0, "parity").integers(0, 256, shape, dtype=np.uint8)
        return ParityPictures(images=noise, rule=rule, kind="noise")
    dataset = datasets.open(data)
    samples = dataset.samples(dataset.evaluation_split())[:PARITY_PICTURES]
    return first_crops(crop_pictures(dataset, samples, rule))


def first_crops(crops: Crops) -> ParityPictures:
    """The first of pictures that were cropped already."""
    return ParityPictures(images=crops.images[:PARITY_PICTURES], rule=crops.preprocessing, kind="pictures")
