"""ONNX through torch.export: one file with everything in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.errors import UsageError
from edgesmith.deploy.base import Converted, ExportOptions
from edgesmith.deploy.exporter import FileExporter, example_images

if TYPE_CHECKING:
    from torch import nn

DEFAULT_OPSET: Final = 18
LOWEST_OPSET: Final = 13
HIGHEST_OPSET: Final = 25


class OnnxExporter(FileExporter):
    """ONNX files with the input ``images`` and the output ``logits``.

    The default opset is 18: torch's exporter writes it without a conversion, it has hard-swish as one operator, and
    runtimes read it since ONNX Runtime 1.14. Others from 13 to 25 are written when asked for.
    """

    format = "onnx"
    suffix = ".onnx"
    extra = "train"
    packages = ("onnx", "onnxscript")
    has_open_batch = True
    has_opset = True

    def check_options(self, options: ExportOptions, spec: NetSpec) -> None:
        """Refuse what ONNX cannot; see `edgesmith.deploy.exporter.FileExporter`."""
        super().check_options(options, spec)
        if options.opset is not None and not LOWEST_OPSET <= options.opset <= HIGHEST_OPSET:
            raise UsageError(
                f"opset must be {LOWEST_OPSET} to {HIGHEST_OPSET}, got {options.opset}; {DEFAULT_OPSET} suits most"
            )

    def convert(
        self, whole: nn.Module, spec: NetSpec, path: Path, *, batch: int | None, options: ExportOptions
    ) -> Converted:
        """Trace, tidy the graph, and write it; see `edgesmith.deploy.exporter.FileExporter`."""
        from edgesmith.deploy import onnx_graph, onnx_program

        opset = options.opset or DEFAULT_OPSET
        example = example_images(spec, options, batch=batch or 2)
        model = onnx_program.trace(whole, example, opset=opset, dynamic=batch is None)
        onnx_graph.finish_(model, opset=opset, model_hash=model_hash(spec))
        path.write_bytes(model.SerializeToString(deterministic=True))
        layout = "NCHW" if options.preprocessing is None else "NHWC"
        return Converted(operators=onnx_graph.count_operators(model), opset=opset, layout=layout)
