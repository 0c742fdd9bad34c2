"""The quantizers by format. A new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.quantize.base import Quantizer
from edgesmith.deploy.quantize.executorch import ExecuTorchQuantizer
from edgesmith.deploy.quantize.litert import LiteRtQuantizer
from edgesmith.deploy.quantize.onnx import OnnxQuantizer
from edgesmith.deploy.quantize.openvino import OpenVinoQuantizer

_ALL: Final[tuple[Quantizer, ...]] = (OnnxQuantizer(), LiteRtQuantizer(), ExecuTorchQuantizer(), OpenVinoQuantizer())
QUANTIZERS: Final[Mapping[str, Quantizer]] = MappingProxyType({each.format: each for each in _ALL})


def get_quantizer(format_name: str) -> Quantizer:
    """The quantizer of a format.

    Raises:
        UsageError: There is no such format, or none of its tools makes int8 files here.
    """
    exporter = get_exporter(format_name)
    if exporter.format not in QUANTIZERS:
        raise UsageError(f"no tool makes int8 {format_name} files here; choices: {', '.join(QUANTIZERS)}")
    return QUANTIZERS[format_name]
