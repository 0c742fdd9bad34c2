"""ExecuTorch (``.pte``) with everything that XNNPACK takes handed to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgesmith.arch.spec import NetSpec
from edgesmith.deploy.base import Converted, ExportOptions
from edgesmith.deploy.converting import converting
from edgesmith.deploy.exporter import FileExporter, example_images

if TYPE_CHECKING:
    from torch import nn


class ExecuTorchExporter(FileExporter):
    """ExecuTorch files ``(N, 3, H, W) -> (N, classes)``; the batch size is the traced one.

    The number of pictures cannot be left open: memory is planned when the file is made.
    """

    format = "executorch"
    suffix = ".pte"
    extra = "executorch"
    packages = ("executorch",)

    def convert(
        self, whole: nn.Module, spec: NetSpec, path: Path, *, batch: int | None, options: ExportOptions
    ) -> Converted:
        """Trace, lower and write; see `edgesmith.deploy.exporter.FileExporter`."""
        import torch

        from edgesmith.deploy.export_layers import gates_of_tensors_

        images = torch.from_numpy(example_images(spec, options, batch=batch or 1))
        gates_of_tensors_(whole)
        with converting(self.format), torch.no_grad():
            program = torch.export.export(whole, (images,))
            operators = Counter(name_of(node) for node in program.graph.nodes if node.op == "call_function")
            lowered = lower(program)
            path.write_bytes(lowered.to_executorch().buffer)
        return Converted(
            operators=operators,
            outside=left_over(lowered),
            layout="NHWC" if options.preprocessing else "NCHW",
            notes=(delegate_share(lowered),),
        )


def lower(program: Any) -> Any:
    """Hand all that XNNPACK takes of a traced program to it."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    return to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])


def left_over(lowered: Any) -> Mapping[str, int]:
    """Operators that no delegate took, by name."""
    nodes = [node for node in lowered.exported_program().graph.nodes if node.op == "call_function"]
    return Counter(name_of(node) for node in nodes if not _is_plumbing(node))


def delegate_share(lowered: Any) -> str:
    """How much of the network XNNPACK takes, in a line; operators are counted as ExecuTorch takes the network apart."""
    pieces = [piece.original_module for _, piece in lowered.exported_program().graph_module.named_children()]
    nodes = [node for piece in pieces for node in piece.graph.nodes if node.op == "call_function"]
    inside = sum(not _is_plumbing(node) for node in nodes)
    pieces_named = f"{len(pieces)} piece" + "s" * (len(pieces) != 1)
    return f"xnnpack takes {inside} of {inside + sum(left_over(lowered).values())} operators, in {pieces_named}"


def name_of(node: Any) -> str:
    """``hardswish`` of ``aten.hardswish.default``."""
    target = str(getattr(node.target, "__name__", node.target))
    return target.removeprefix("aten.").removeprefix("aten_").split(".")[0]


def _is_plumbing(node: Any) -> bool:
    """Whether a node of the lowered graph calls a delegate, takes its answer apart or makes room."""
    name = str(node.target)
    return "call_delegate" in name or "getitem" in name or "alloc" in name
