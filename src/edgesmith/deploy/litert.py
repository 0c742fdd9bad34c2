"""LiteRT (``.tflite``) through litert-torch: colours last, batch fixed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from edgesmith.arch.spec import NetSpec
from edgesmith.deploy.base import Converted, ExportOptions
from edgesmith.deploy.converting import converting
from edgesmith.deploy.exporter import FileExporter, example_images
from edgesmith.runtimes.litert import LiteRtRuntime

if TYPE_CHECKING:
    from torch import nn


class LiteRtExporter(FileExporter):
    """LiteRT files ``(N, H, W, 3) -> (N, classes)`` with the signature ``images -> logits``.

    TensorFlow's SAME padding becomes part of its convolution. Symmetric padding at stride 2 has no such form and
    stays an operator of its own.
    """

    format = "litert"
    suffix = ".tflite"
    extra = "litert"
    packages = ("litert_torch", "ai_edge_litert")

    def convert(
        self, whole: nn.Module, spec: NetSpec, path: Path, *, batch: int | None, options: ExportOptions
    ) -> Converted:
        """Convert and name the tensors; see `edgesmith.deploy.exporter.FileExporter`."""
        import torch

        from edgesmith.deploy.export_layers import colours_last_, scale_and_shift_
        from edgesmith.deploy.litert_graph import rename_
        from edgesmith.deploy.prepare import ColoursLastInput

        # litert-torch imports JAX, which warns at every fork from then on, those of data loaders included.
        warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
        images = torch.from_numpy(example_images(spec, options, batch=batch or 1))
        colours_last_(whole)
        scale_and_shift_(whole)
        if options.preprocessing is None:
            whole, images = ColoursLastInput(whole).eval(), images.permute(0, 2, 3, 1).contiguous()
        with converting(self.format):
            import litert_torch

            litert_torch.convert(whole, sample_kwargs={"images": images}).export(str(path))
            rename_(path)
        operators, outside = LiteRtRuntime().load(path).operators()
        return Converted(operators=operators, outside=outside, layout="NHWC", notes=_notes(operators))


def _notes(operators: dict[str, int]) -> tuple[str, ...]:
    pads = operators.get("PAD", 0)
    if not pads:
        return ()
    return (
        f"{pads} paddings are operators of their own, because LiteRT's convolutions know SAME padding only; "
        f"a net trained with @padding=same has none",
    )
