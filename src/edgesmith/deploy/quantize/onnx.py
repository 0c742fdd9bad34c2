"""int8 ONNX by onnxruntime's own tool: uint8 activations, int8 weights per channel, as QuantizeLinear pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.spec import NetSpec
from edgesmith.deploy.base import INT8, Converted
from edgesmith.deploy.converting import converting
from edgesmith.deploy.formats import ONNX
from edgesmith.deploy.operator_names import matching
from edgesmith.deploy.parity import Parity
from edgesmith.deploy.quantize.base import Calibration, Kind, PartNoise, Quantizer, QuantPlan, Ranges, Source
from edgesmith.deploy.quantize.onnx_kernels import check_kernels
from edgesmith.deploy.quantize.onnx_parts import compare_parts
from edgesmith.runtimes.onnx_profile import float_operators

if TYPE_CHECKING:
    from edgesmith.nn.build import Net

_METHODS: Final[Mapping[Ranges, str]] = {
    Ranges.MINMAX: "MinMax",
    Ranges.PERCENTILE: "Percentile",
    Ranges.ERROR: "Entropy",
}
_COMPARED: Final = 16
# A gate's answer fills 0..1 whatever the pictures were; backends that know it as one operator ask for just this step.
_GATE_STEP: Final = np.float32(1 / 256)


class OnnxQuantizer(Quantizer):
    """Quantizes ONNX files. Hard-swish stays in float: onnxruntime has no integer kernel for it."""

    format = "onnx"
    extra = "train"
    packages = ("onnx", "onnxruntime.quantization")
    kinds: ClassVar[Mapping[Kind, str]] = {
        Kind.HARD_SWISH: "HardSwish",
        Kind.HARD_SIGMOID: "HardSigmoid",
        Kind.ADD: "Add",
        Kind.MUL: "Mul",
        Kind.MEAN: "GlobalAveragePool",
        Kind.RESIZE: "Resize",
    }
    has_reduced_range = True

    def open(self, net: Net, spec: NetSpec, calibration: Calibration, folder: Path) -> Source:
        """Export the float file once; see `edgesmith.deploy.quantize.base.Quantizer`."""
        path = folder / "float.onnx"
        ONNX.export(net, spec, path, options=calibration.options)
        return _OnnxSource(path, calibration)


class _OnnxSource(Source):
    def __init__(self, path: Path, calibration: Calibration) -> None:
        import onnx

        self._path = path
        self._calibration = calibration
        self._nodes = [(node.name, node.op_type, node.output[0]) for node in onnx.load(path).graph.node]

    def write(self, path: Path, plan: QuantPlan) -> Converted:
        """Quantize by a plan; the ranges found before are used again."""
        import onnx
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        kept = matching([name for name, _, _ in self._nodes], plan.float_parts)
        if self._calibration.preprocessing is not None:
            kept += [name for name, _, _ in self._nodes if "/" not in name]  # of no layer: they scale the pictures
        kept += [
            name for name, kind, _ in self._nodes if kind in {OnnxQuantizer.kinds[each] for each in plan.float_kinds}
        ]
        with converting("int8 onnx"):
            quantize_static(
                str(self._path),
                str(path),
                _reader(self._calibration.inputs),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=plan.reduce_range,
                nodes_to_exclude=sorted(set(kept)),
                calibrate_method=getattr(CalibrationMethod, _METHODS[plan.ranges]),
                calibration_cache_path=self._path.with_name(f"ranges-{plan.ranges}.json"),
                extra_options={"TensorQuantOverrides": self._gates(set(kept))},
            )
            graph = onnx.load(path).graph
        counts: dict[str, int] = {}
        for node in graph.node:
            counts[node.op_type] = counts.get(node.op_type, 0) + 1
        return Converted(
            operators=counts,
            in_float=float_operators(path, self._calibration.inputs[:1]),
            layout="NHWC" if self._calibration.preprocessing else "NCHW",
            precision=INT8,
            opset=_opset(path),
            notes=(_granularity(graph),),
        )

    def compare_parts(self, path: Path, parts: Sequence[str]) -> Sequence[PartNoise]:
        """Both files with the parts' answers as further outputs; see `edgesmith.deploy.quantize.base.Source`."""
        return compare_parts(self._path, path, parts, self._calibration.inputs[:_COMPARED])

    def check_kernels(self, path: Path) -> Parity | None:
        """Integer kernels beside plain arithmetic; see `edgesmith.deploy.quantize.base.Source`."""
        return check_kernels(path, self._calibration.inputs[:_COMPARED])

    def _gates(self, kept: set[str]) -> dict[str, list[dict[str, Any]]]:
        step = {"scale": np.array(_GATE_STEP), "zero_point": np.array(0, dtype=np.uint8)}
        return {
            output: [dict(step)] for name, kind, output in self._nodes if kind == "HardSigmoid" and name not in kept
        }


def _reader(images: NDArray[Any]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # an untyped package's class
        """One picture at a time, once."""

        def __init__(self) -> None:
            self._left: Iterator[NDArray[Any]] = iter(images)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            """The next picture by the input's name."""
            picture = next(self._left, None)
            return None if picture is None else {"images": picture[None]}

    return Reader()


def _opset(path: Path) -> int:
    import onnx

    return next(int(each.version) for each in onnx.load(path).opset_import if each.domain in ("", "ai.onnx"))


def _granularity(graph: Any) -> str:
    """Whether weights have a step for each channel, as found in the file."""
    sizes = {initializer.name: int(np.prod(initializer.dims, dtype=int)) for initializer in graph.initializer}
    scales = [
        sizes.get(node.input[1], 1)
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in sizes
    ]
    many = sum(size > 1 for size in scales)
    return f"{many} of {len(scales)} stored tensors have a step for each channel"
