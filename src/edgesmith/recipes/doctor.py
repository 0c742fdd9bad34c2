"""What is installed, what does not fit together, and how to mend it."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edgesmith.core.quiet import captured_output, hushed
from edgesmith.core.threads import max_threads
from edgesmith.devices.conditions import cpu_name

BASE: Final = ("numpy", "PIL", "onnxruntime", "typer", "rich", "safetensors")
TRAIN: Final = ("torch", "torchvision", "lightning", "torchmetrics", "onnx", "onnxscript", "sklearn")
WEIGHTS: Final = ("timm", "h5py", "tflite", "flatbuffers")
WEB: Final = ("fastapi", "jinja2", "uvicorn", "python_multipart", "cryptography")
RUNTIMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "litert": ("ai_edge_litert", "litert_torch", "ai_edge_quantizer"),
        "executorch": ("executorch",),
        "openvino": ("openvino", "nncf"),
        "ncnn": ("ncnn", "pnnx"),
        "coreml": ("coremltools",),
    }
)
_DISTRIBUTIONS: Final = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "ai_edge_litert": "ai-edge-litert",
    "ai_edge_quantizer": "ai-edge-quantizer",
    "litert_torch": "litert-torch",
    "python_multipart": "python-multipart",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the examination.

    Attributes:
        name: What was looked at.
        state: ``ok``, ``missing`` (an extra that is not installed) or ``broken``.
        detail: Version or fault.
        mend: What to do; empty where nothing is wrong.
    """

    name: str
    state: str
    detail: str
    mend: str = ""


def examine(importer: Callable[[str], object] = importlib.import_module) -> tuple[Finding, ...]:
    """Import everything and say how it went.

    Args:
        importer: Imports a module by name.
    """
    machine = Finding(name="machine", state="ok", detail=f"{cpu_name()}, {max_threads()} cores for this process")
    python = Finding(name="python", state="ok", detail=f"{platform.python_version()} on {platform.system()}")
    base = [_look(name, importer, mend="pip install --force-reinstall edgesmith") for name in BASE]
    train = [_look(name, importer, mend="pip install 'edgesmith[train]'") for name in TRAIN]
    weights = [_look(name, importer, mend="pip install 'edgesmith[weights]'") for name in WEIGHTS]
    web = [_look(name, importer, mend="pip install 'edgesmith[web]'") for name in WEB]
    runtimes = [
        _look(name, importer, mend=f"pip install 'edgesmith[{extra}]'")
        for extra, names in RUNTIMES.items()
        for name in names
    ]
    return (machine, python, *base, *train, *weights, *web, *runtimes)


def _look(name: str, importer: Callable[[str], object], *, mend: str) -> Finding:
    distribution = _DISTRIBUTIONS.get(name, name)
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name=name, state="missing", detail="not installed", mend=mend)
    try:
        with captured_output(), hushed():
            importer(name)
    except Exception as error:
        return _broken(name, version, error, mend=mend)
    return Finding(name=name, state="ok", detail=version)


def _broken(name: str, version: str, error: Exception, *, mend: str) -> Finding:
    reason = " ".join(str(error).split())[:160]
    if name == "torchvision" and ("nms" in reason or "torchvision::" in reason):
        torch = _version("torch")
        return Finding(
            name=name,
            state="broken",
            detail=f"{version} was not built for torch {torch} ({reason})",
            mend="install the pair from one place: pip install --force-reinstall torch torchvision, both from the same "
            "index (for the CPU builds: --index-url of pytorch.org's cpu wheels)",
        )
    return Finding(name=name, state="broken", detail=f"{version} does not import: {reason}", mend=mend)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"
