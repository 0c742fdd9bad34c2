"""The formats by name. A new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.core.table import lookup
from edgesmith.deploy.coreml import CoreMlExporter
from edgesmith.deploy.executorch import ExecuTorchExporter
from edgesmith.deploy.exporter import FileExporter
from edgesmith.deploy.litert import LiteRtExporter
from edgesmith.deploy.ncnn import NcnnExporter
from edgesmith.deploy.onnx import OnnxExporter
from edgesmith.deploy.openvino import OpenVinoExporter

ONNX: Final = OnnxExporter()
_EXPORTERS: Final[tuple[FileExporter, ...]] = (
    ONNX,
    LiteRtExporter(),
    ExecuTorchExporter(),
    OpenVinoExporter(),
    NcnnExporter(),
    CoreMlExporter(),
)
FORMATS: Final[Mapping[str, FileExporter]] = MappingProxyType({each.format: each for each in _EXPORTERS})


def get_exporter(format_name: str) -> FileExporter:
    """The exporter of a format.

    Raises:
        UsageError: There is none; names the closest and all choices.
    """
    return lookup(FORMATS, format_name, what="format")
