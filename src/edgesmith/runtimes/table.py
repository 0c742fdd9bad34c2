"""The runtimes by name. A new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.core.table import lookup
from edgesmith.runtimes.base import Runtime
from edgesmith.runtimes.executorch import ExecuTorchRuntime
from edgesmith.runtimes.litert import LiteRtRuntime
from edgesmith.runtimes.ncnn import NcnnRuntime
from edgesmith.runtimes.onnxruntime import OnnxRuntime
from edgesmith.runtimes.openvino import OpenVinoRuntime

_RUNTIMES: Final[tuple[Runtime, ...]] = (
    OnnxRuntime(),
    LiteRtRuntime(),
    ExecuTorchRuntime(),
    OpenVinoRuntime(),
    NcnnRuntime(),
)
RUNTIMES: Final[Mapping[str, Runtime]] = MappingProxyType({runtime.name: runtime for runtime in _RUNTIMES})


def runtime_for(suffix: str) -> Runtime:
    """The runtime that runs files with this suffix, such as ``.onnx``.

    Raises:
        UsageError: No runtime knows the suffix.
    """
    return lookup({runtime.suffix: runtime for runtime in _RUNTIMES}, suffix, what="model file type")
