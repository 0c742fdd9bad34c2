"""int8 ExecuTorch by torchao's PT2E flow with XNNPACK's quantizer: int8 activations, int8 weights per channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.deploy.base import INT8, Converted
from edgesmith.deploy.converting import converting
from edgesmith.deploy.executorch import delegate_share, left_over, lower, name_of
from edgesmith.deploy.operator_names import is_of_part, operator_name
from edgesmith.deploy.quantize.base import Calibration, Kind, Quantizer, QuantPlan, Ranges, Source

if TYPE_CHECKING:
    from edgesmith.nn.build import Net

_BATCH: Final = 1


class ExecuTorchQuantizer(Quantizer):
    """Quantizes ExecuTorch files. XNNPACK's quantizer leaves hard-swish and the gates' clipping in float."""

    format = "executorch"
    extra = "executorch"
    packages = ("executorch", "torchao")
    kinds: ClassVar[Mapping[Kind, str]] = {Kind.ADD: "add", Kind.MUL: "mul", Kind.MEAN: "adaptive_avg_pool2d"}

    def open(self, net: Net, spec: NetSpec, calibration: Calibration, folder: Path) -> Source:
        """Trace once; see `edgesmith.deploy.quantize.base.Quantizer`."""
        import torch

        from edgesmith.deploy.export_layers import gates_of_tensors_
        from edgesmith.deploy.prepare import prepare

        whole = prepare(net, preprocessing=calibration.preprocessing)
        gates_of_tensors_(whole)
        example = torch.from_numpy(np.ascontiguousarray(calibration.inputs[:_BATCH]))
        with converting("int8 executorch"), torch.no_grad():
            program = torch.export.export(whole, (example,))
        return _ExecuTorchSource(program, calibration)


class _ExecuTorchSource(Source):
    def __init__(self, program: Any, calibration: Calibration) -> None:
        self._program = program
        self._calibration = calibration

    def write(self, path: Path, plan: QuantPlan) -> Converted:
        """Quantize by a plan: observe the pictures, convert, lower."""
        if plan.ranges is Ranges.PERCENTILE:
            raise UsageError(
                f"xnnpack's quantizer knows ranges by {Ranges.MINMAX} and {Ranges.ERROR}, got {plan.ranges}"
            )
        import torch

        with converting("int8 executorch"), torch.no_grad():
            from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

            observed = prepare_pt2e(
                self._program.module(), xnnpack_quantizer(plan, scales=self._calibration.preprocessing is not None)
            )
            for picture in self._calibration.inputs:
                observed(torch.from_numpy(np.ascontiguousarray(picture[None])))
            quantized = convert_pt2e(observed)
            example = torch.from_numpy(np.ascontiguousarray(self._calibration.inputs[:_BATCH]))
            program = torch.export.export(quantized, (example,))
            operators = Counter(name_of(node) for node in program.graph.nodes if node.op == "call_function")
            lowered = lower(program)
            path.write_bytes(lowered.to_executorch().buffer)
        return Converted(
            operators=operators,
            outside=left_over(lowered),
            layout="NHWC" if self._calibration.preprocessing else "NCHW",
            precision=INT8,
            notes=(delegate_share(lowered),),
        )


def xnnpack_quantizer(plan: QuantPlan, *, scales: bool = False, training: bool = False) -> Any:
    """XNNPACK's quantizer under a plan.

    Args:
        plan: What stays in float.
        scales: Whether the network begins with the scaling of pixels, which stays in float.
        training: Whether the ranges are found in training, with values rounded meanwhile.
    """
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantizer import QuantizationAnnotation
    from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

    is_quantized = _is_quantized(plan, scales=scales)

    class Planned(XNNPACKQuantizer):  # type: ignore[misc]  # an untyped package's class
        """Asks about concatenations too, which XNNPACK's quantizer takes without asking its filter."""

        def annotate(self, model: Any) -> Any:
            for node in model.graph.nodes:
                if name_of(node) == "cat" and not is_quantized(node):
                    node.meta[Q_ANNOTATION_KEY] = QuantizationAnnotation(_annotated=True)
            return super().annotate(model)

    made = Planned().set_global(get_symmetric_quantization_config(is_per_channel=True, is_qat=training))
    made.set_filter_function(is_quantized)
    return made


def _is_quantized(plan: QuantPlan, *, scales: bool) -> Callable[[Any], bool]:
    kinds = {ExecuTorchQuantizer.kinds[kind] for kind in plan.float_kinds if kind in ExecuTorchQuantizer.kinds}

    def is_quantized(node: Any) -> bool:
        name = name_of(node)
        if name.rstrip("_") in kinds:
            return False
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        layer = operator_name(str(stack[-1][0]), "") if stack else ""
        if scales and not layer and node.op == "call_function":  # in front of the network; weights have no layer either
            return False
        return not any(is_of_part(layer, part) for part in plan.float_parts)

    return is_quantized
