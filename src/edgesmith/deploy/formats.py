"""The formats by name. A new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.core.table import lookup
from edgesmith.deploy.base import Exporter
from edgesmith.deploy.onnx import OnnxExporter

FORMATS: Final[Mapping[str, Exporter]] = MappingProxyType({"onnx": OnnxExporter()})


def get_exporter(format_name: str) -> Exporter:
    """The exporter of a format.

    Raises:
        UsageError: There is none; names the closest and all choices.
    """
    return lookup(FORMATS, format_name, what="format")
