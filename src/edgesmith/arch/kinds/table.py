"""Every block kind, by the name that JSON uses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual

KINDS: Final[Mapping[str, type[Block]]] = MappingProxyType({kind.kind: kind for kind in (Conv, InvertedResidual)})
