"""Pictures on which a file is compared with its source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.seed import generator
from edgesmith.data import dataset as datasets
from edgesmith.data.evaluation import crop_pictures
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.parity import PARITY_PICTURES

_NOISE_PICTURES = 4


def parity_pictures(data: str | None, rule: Preprocessing) -> NDArray[np.uint8]:
    """``(N, H, W, 3)``: the first pictures of a set's evaluation split, or noise where there is no set."""
    if data is None:
        shape = (_NOISE_PICTURES, rule.height, rule.width, 3)
        return generator(0, "parity").integers(0, 256, shape, dtype=np.uint8)
    dataset = datasets.open(data)
    return crop_pictures(dataset, dataset.samples(dataset.evaluation_split())[:PARITY_PICTURES], rule).images
