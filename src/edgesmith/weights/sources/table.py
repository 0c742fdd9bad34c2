"""Where weights come from: libraries by name, files by their ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.table import unknown
from edgesmith.weights.files import PICKLES
from edgesmith.weights.imported import Imported
from edgesmith.weights.sources.state_file import read_state_file


def _torchvision(text: str) -> Imported:
    from edgesmith.weights.sources.torchvision import read_torchvision

    return read_torchvision(text)


def _timm(text: str) -> Imported:
    from edgesmith.core.extras import require

    require("timm", extra="weights")
    from edgesmith.weights.sources.timm import read_timm

    return read_timm(text)


def _litert(path: Path) -> Imported:
    from edgesmith.weights.sources.litert import read_litert

    return read_litert(path)


def _keras(path: Path) -> Imported:
    from edgesmith.weights.sources.keras import read_keras

    return read_keras(path)


def _tf_slim(path: Path) -> Imported:
    from edgesmith.weights.sources.tf_slim import read_tf_slim

    return read_tf_slim(path)


LIBRARIES: Final[Mapping[str, Callable[[str], Imported]]] = MappingProxyType(
    {"torchvision": _torchvision, "timm": _timm}
)

FILES: Final[Mapping[str, Callable[[Path], Imported]]] = MappingProxyType(
    {
        ".tflite": _litert,
        ".h5": _keras,
        ".keras": _keras,
        ".index": _tf_slim,
        **dict.fromkeys((".safetensors", *PICKLES), read_state_file),
    }
)


def read_source(source: str, *, spec: NetSpec | None = None) -> Imported:
    """Somebody's trained network.

    Args:
        source: ``torchvision:NAME``, ``timm:NAME``, or a file.
        spec: The network of a bare state dict; other sources say it themselves.

    Raises:
        UsageError: There is no such library or file, or its ending is not one that we read.
        WeightsError: What it holds cannot be used.
    """
    library, separator, name = source.partition(":")
    if separator and library in LIBRARIES:
        return LIBRARIES[library](name)
    path = Path(source).expanduser()
    if _is_checkpoint(path):
        return _tf_slim(path)
    if not path.is_file():
        if separator and not path.suffix:
            raise unknown(library, LIBRARIES, what="library")
        raise UsageError(
            f"no such weights: {path.absolute()} is not a file; choices: torchvision:NAME, timm:NAME, or a file that "
            f"ends in {', '.join(FILES)}"
        )
    if path.suffix not in FILES:
        raise UsageError(f"{path}: weights are read from files that end in {', '.join(FILES)}")
    read = FILES[path.suffix]
    return read_state_file(path, spec=spec) if read is read_state_file else read(path)


def _is_checkpoint(path: Path) -> bool:
    """A TensorFlow checkpoint is named by a prefix that is no file itself."""
    return not path.exists() and path.with_name(f"{path.name}.index").is_file()
