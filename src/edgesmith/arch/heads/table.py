"""Every head, by the name that JSON uses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.heads.base import Head
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.heads.condensed_classifier import CondensedClassifier, LearnedClassifier
from edgesmith.arch.heads.conv_classifier import ConvClassifier
from edgesmith.arch.heads.lr_aspp import LrAspp
from edgesmith.arch.heads.r_aspp import RAspp
from edgesmith.arch.heads.ssdlite import SsdLite

_ALL: Final[tuple[type[Head], ...]] = (
    Classifier,
    ConvClassifier,
    CondensedClassifier,
    LearnedClassifier,
    LrAspp,
    RAspp,
    SsdLite,
)

HEADS: Final[Mapping[str, type[Head]]] = MappingProxyType({head.kind: head for head in _ALL})
