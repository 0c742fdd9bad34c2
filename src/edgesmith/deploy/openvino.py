"""OpenVINO IR (``.xml`` with ``.bin``) with float32 weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edgesmith.arch.spec import NetSpec
from edgesmith.deploy.base import Converted, ExportOptions
from edgesmith.deploy.converting import converting
from edgesmith.deploy.exporter import FileExporter, example_images
from edgesmith.deploy.operator_names import layer_of_openvino, operator_name
from edgesmith.runtimes.openvino import import_openvino

if TYPE_CHECKING:
    from torch import nn

BOOKKEEPING: Final = frozenset({"Constant", "Parameter", "Result"})


class OpenVinoExporter(FileExporter):
    """IR files with the input ``images`` and the output ``logits``."""

    format = "openvino"
    suffix = ".xml"
    companion_suffixes = (".bin",)
    extra = "openvino"
    packages = ("openvino",)
    has_open_batch = True

    def convert(
        self, whole: nn.Module, spec: NetSpec, path: Path, *, batch: int | None, options: ExportOptions
    ) -> Converted:
        """Convert and name everything by its place; see `edgesmith.deploy.exporter.FileExporter`."""
        import torch

        images = torch.from_numpy(example_images(spec, options, batch=batch or 2))
        shape = [-1 if batch is None else batch, *images.shape[1:]]
        with converting(self.format), torch.no_grad():
            openvino = import_openvino()
            model = openvino.convert_model(whole, example_input=images, input=[shape])
            model.inputs[0].set_names({"images"})
            model.outputs[0].set_names({"logits"})
            operators = save_named(model, spec.name, path)
        return Converted(operators=operators, layout="NHWC" if options.preprocessing else "NCHW")


def save_named(model: Any, name: str, path: Path) -> Mapping[str, int]:
    """Call everything after its layer and its place, for openvino's names count up over the process's life; save.

    Returns:
        How often each operator occurs.
    """
    model.set_friendly_name(name)
    operations = model.get_ordered_ops()
    for index, operation in enumerate(operations):
        layer = layer_of_openvino(operation.get_friendly_name())
        operation.set_friendly_name(operator_name(layer, f"{operation.get_type_name()}_{index}"))
    import_openvino().save_model(model, str(path), compress_to_fp16=False)
    operators = Counter(operation.get_type_name() for operation in operations)
    return {kind: count for kind, count in operators.items() if kind not in BOOKKEEPING}
