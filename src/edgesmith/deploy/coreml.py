"""Core ML packages: converted here, run on Apple's machines only."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from edgesmith.arch.spec import NetSpec
from edgesmith.deploy.base import Converted, ExportOptions
from edgesmith.deploy.converting import converting
from edgesmith.deploy.exporter import FileExporter, example_images

if TYPE_CHECKING:
    from torch import nn


class CoreMlExporter(FileExporter):
    """Core ML programs ``images (N, 3, H, W) -> logits`` in float16, which the Neural Engine asks for.

    Nothing of them was run: their runtime exists on Apple's machines only, so they carry no parity record.
    """

    format = "coreml"
    suffix = ".mlpackage"
    extra = "coreml"
    packages = ("coremltools",)
    takes_pixels = False
    runs_here = False

    def convert(
        self, whole: nn.Module, spec: NetSpec, path: Path, *, batch: int | None, options: ExportOptions
    ) -> Converted:
        """Trace, decompose, convert; see `edgesmith.deploy.exporter.FileExporter`."""
        import torch

        images = torch.from_numpy(example_images(spec, options, batch=batch or 1))
        with converting(self.format), torch.no_grad():
            import coremltools as ct

            program = torch.export.export(whole, (images,)).run_decompositions({})
            model = ct.convert(
                program,
                convert_to="mlprogram",
                inputs=[ct.TensorType(name="images", shape=tuple(images.shape))],
                outputs=[ct.TensorType(name="logits")],
                minimum_deployment_target=ct.target.iOS16,
                compute_precision=ct.precision.FLOAT16,
            )
            model.save(str(path))
            program_spec = model.get_spec().mlProgram
        functions = [
            block for function in program_spec.functions.values() for block in function.block_specializations.values()
        ]
        operators = Counter(operation.type for block in functions for operation in block.operations)
        operators.pop("const", None)
        return Converted(
            operators=operators,
            precision="float16",
            notes=(
                "not run and not compared: Core ML files run on Apple's machines only",
                "bytes differ at each export: packages carry random identifiers and the date",
            ),
        )
