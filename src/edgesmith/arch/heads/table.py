"""Every head, by the name that JSON uses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.heads.base import Head
from edgesmith.arch.heads.classifier import Classifier

HEADS: Final[Mapping[str, type[Head]]] = MappingProxyType({head.kind: head for head in (Classifier,)})
