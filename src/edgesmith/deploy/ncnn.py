"""ncnn (``.ncnn.param`` with ``.ncnn.bin``) through pnnx, with float32 weights."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import ExportError, UsageError
from edgesmith.deploy.base import Converted, ExportOptions
from edgesmith.deploy.converting import converting
from edgesmith.deploy.exporter import FileExporter, example_images

if TYPE_CHECKING:
    from torch import nn

_FIRST_LAYER_LINE = 2  # after the magic number and the two counts


class NcnnExporter(FileExporter):
    """ncnn files for one picture ``(3, H, W)``, input ``in0``, output ``out0``."""

    format = "ncnn"
    suffix = ".ncnn.param"
    companion_suffixes = (".bin",)
    extra = "ncnn"
    packages = ("pnnx", "ncnn")
    takes_pixels = False

    def check_options(self, options: ExportOptions, spec: NetSpec) -> None:
        """Refuse what ncnn cannot; see `edgesmith.deploy.exporter.FileExporter`."""
        super().check_options(options, spec)
        if options.batch not in (None, 1):
            raise UsageError(f"ncnn files take one picture in a run, batch {options.batch} was asked; leave it out")

    def convert(
        self, whole: nn.Module, spec: NetSpec, path: Path, *, batch: int | None, options: ExportOptions
    ) -> Converted:
        """Convert in a folder apart, because pnnx leaves much else; see `edgesmith.deploy.exporter.FileExporter`."""
        import torch

        images = torch.from_numpy(example_images(spec, options, batch=1))
        with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder, converting(self.format), torch.no_grad():
            import pnnx

            made = Path(folder) / "m.pt"
            pnnx.export(whole, str(made), (images,), fp16=False)
            param, weights = made.with_name("m.ncnn.param"), made.with_name("m.ncnn.bin")
            if not param.is_file():
                raise ExportError("pnnx wrote no ncnn file for this module")
            text = _with_input_size(param.read_text(encoding="utf-8"), images.shape[1:])
            path.write_text(text, encoding="utf-8")
            shutil.copyfile(weights, path.with_suffix(".bin"))
        layers = [line.split()[0] for line in text.splitlines()[_FIRST_LAYER_LINE:] if line.strip()]
        operators = Counter(layers)
        operators.pop("Input", None)
        return Converted(operators=operators)


def _with_input_size(text: str, shape: tuple[int, ...]) -> str:
    """The Input layer told its width, height and channels, which pnnx leaves out."""
    channels, height, width = shape
    lines = text.splitlines()
    lines[_FIRST_LAYER_LINE] += f" 0={width} 1={height} 2={channels}"
    return "\n".join(lines) + "\n"
