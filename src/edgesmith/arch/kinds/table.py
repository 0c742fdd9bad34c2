"""Every block kind, by the name that JSON uses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.dense_layer import CondensedLayer, LearnedLayer
from edgesmith.arch.kinds.fire import Fire
from edgesmith.arch.kinds.fused import FusedBottleneck
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.kinds.norm import NormBlock
from edgesmith.arch.kinds.pool import Pooling
from edgesmith.arch.kinds.separable import Separable
from edgesmith.arch.kinds.shift import ConvShiftConv, ShiftResidual
from edgesmith.arch.kinds.shuffle_unit import ShuffleUnit
from edgesmith.arch.kinds.universal import UniversalBottleneck

_ALL: Final[tuple[type[Block], ...]] = (
    Conv,
    Separable,
    InvertedResidual,
    FusedBottleneck,
    UniversalBottleneck,
    Fire,
    ShuffleUnit,
    CondensedLayer,
    LearnedLayer,
    ConvShiftConv,
    ShiftResidual,
    Pooling,
    NormBlock,
)

KINDS: Final[Mapping[str, type[Block]]] = MappingProxyType({kind.kind: kind for kind in _ALL})
