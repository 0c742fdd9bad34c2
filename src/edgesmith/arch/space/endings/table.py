"""What stands behind the backbones of a space, by the task; a classifier is part of the space itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.space.endings.base import Ending
from edgesmith.arch.space.endings.detection import Detecting
from edgesmith.arch.space.endings.segmentation import Segmenting

ENDINGS: Final[Mapping[str, Callable[[], Ending]]] = MappingProxyType(
    {"segmentation": Segmenting, "detection": Detecting}
)
