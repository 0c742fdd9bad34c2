"""Every zoo name: what makes its spec, and what its publication says of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.zoo import (
    condensenet,
    detection,
    mnasnet,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    mobilenet_v4,
    segmentation,
    shiftnet,
    shufflenet_v1,
    squeezenet,
)
from edgesmith.arch.zoo.entry import Entry

MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        **mobilenet_v3.MODELS,
        **mobilenet_v4.MODELS,
        **mobilenet_v2.MODELS,
        **mobilenet_v1.MODELS,
        **mnasnet.MODELS,
        **squeezenet.MODELS,
        **shufflenet_v1.MODELS,
        **condensenet.MODELS,
        **shiftnet.MODELS,
        **segmentation.MODELS,
        **detection.MODELS,
    }
)
