"""ONNX through torch.export: one file, run and checked before it takes its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.errors import DeviceError, ExportError, UsageError
from edgesmith.core.extras import require
from edgesmith.core.files import atomic_file, sha256_file
from edgesmith.core.seed import generator
from edgesmith.deploy.base import DYNAMIC, ExportedFile, ExportOptions, refuse_training_mode
from edgesmith.deploy.parity import compare, eager_function
from edgesmith.runtimes.base import Loaded
from edgesmith.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from torch import nn

DEFAULT_OPSET: Final = 18
LOWEST_OPSET: Final = 13
HIGHEST_OPSET: Final = 25

# Noise is harder on rounding than pictures are; a wrong graph is off by far more.
_NOISE_TOLERANCE: Final = 1e-3
_DYNAMIC_BATCHES: Final = (1, 2, 5)


class OnnxExporter:
    """ONNX files with the input ``images`` and the output ``logits``.

    The default opset is 18: torch's exporter writes it without a conversion, it has hard-swish as one operator, and
    runtimes read it since ONNX Runtime 1.14. Others from 13 to 25 are written when asked for.
    """

    format: Final = "onnx"
    suffix: Final = ".onnx"

    def export(self, module: nn.Module, spec: NetSpec, path: Path, *, options: ExportOptions = DYNAMIC) -> ExportedFile:
        """Write an ONNX file; see `edgesmith.deploy.base.Exporter`."""
        opset = _checked_opset(options.opset)
        _check_preprocessing(options, spec)
        refuse_training_mode(module)
        for package in ("torch", "onnx", "onnxscript"):
            require(package, extra="train")
        from edgesmith.deploy import onnx_graph, onnx_program

        whole = onnx_program.prepare(module, preprocessing=options.preprocessing)
        model = onnx_program.trace(
            whole, _noise(spec, options, batch=options.batch or 2), opset=opset, dynamic=options.batch is None
        )
        onnx_graph.finish_(model, opset=opset, model_hash=model_hash(spec))
        with atomic_file(path) as temporary:
            temporary.write_bytes(model.SerializeToString(deterministic=True))
            _check_file(whole, spec, temporary, options=options)
        return ExportedFile(
            format=self.format,
            path=path,
            bytes=path.stat().st_size,
            sha256=sha256_file(path),
            precision="float32",
            batch=options.batch,
            opset=opset,
            operators=onnx_graph.count_operators(model),
            preprocessing_inside=options.preprocessing is not None,
        )


def _checked_opset(opset: int | None) -> int:
    if opset is None:
        return DEFAULT_OPSET
    if not LOWEST_OPSET <= opset <= HIGHEST_OPSET:
        raise UsageError(f"opset must be {LOWEST_OPSET} to {HIGHEST_OPSET}, got {opset}; {DEFAULT_OPSET} suits most")
    return opset


def _check_preprocessing(options: ExportOptions, spec: NetSpec) -> None:
    rule = options.preprocessing
    if rule is not None and (rule.height, rule.width) != spec.resolution:
        raise UsageError(f"preprocessing cuts {rule.height}x{rule.width}, but {spec.name} takes {spec.resolution}")


def _noise(spec: NetSpec, options: ExportOptions, *, batch: int) -> NDArray[np.generic]:
    """Pictures of noise in the shape and type that the file will take."""
    height, width = spec.resolution
    rng = generator(0, "export")
    if options.preprocessing is not None:
        return rng.integers(0, 256, (batch, height, width, spec.in_channels), dtype=np.uint8)
    return rng.standard_normal((batch, spec.in_channels, height, width), dtype=np.float32)


def _check_file(whole: nn.Module, spec: NetSpec, path: Path, *, options: ExportOptions) -> None:
    """Run the file at every batch size that it claims, and at one that it must refuse."""
    sizes = _DYNAMIC_BATCHES if options.batch is None else (options.batch,)
    images = _noise(spec, options, batch=max(sizes))
    expected = eager_function(whole)(images)
    try:
        loaded = OnnxRuntime().load(path)
        for size in sizes:
            parity = compare(expected[:size], np.asarray(loaded.run(images[:size])), tolerance=_NOISE_TOLERANCE)
            if not parity.passed:
                raise ExportError(f"at batch {size} the file is off by {parity.relative:.1e}; it was not kept")
    except DeviceError as error:
        raise ExportError(f"the exported file does not run: {error}") from error
    if options.batch is not None and _accepts(loaded, _noise(spec, options, batch=options.batch + 1)):
        raise ExportError(f"the file was to be fixed at batch {options.batch}, but takes others; it was not kept")


def _accepts(loaded: Loaded, images: NDArray[np.generic]) -> bool:
    try:
        loaded.run(images)
    except DeviceError:
        return False
    return True
