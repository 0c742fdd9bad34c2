"""int8 OpenVINO IR by NNCF: uint8 or int8 activations, int8 weights per channel, fast bias correction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.signal_stack import kept_signal_stack
from edgesmith.deploy.base import INT8, Converted
from edgesmith.deploy.converting import converting
from edgesmith.deploy.openvino import BOOKKEEPING, OpenVinoExporter, save_named
from edgesmith.deploy.operator_names import layer_of_openvino, matching
from edgesmith.deploy.quantize.base import Calibration, Kind, Quantizer, QuantPlan, Ranges, Source
from edgesmith.runtimes.openvino import OpenVinoRuntime, import_openvino

if TYPE_CHECKING:
    from edgesmith.nn.build import Net


class OpenVinoQuantizer(Quantizer):
    """Quantizes IR files. What is next to a part in float may stay in float too: NNCF moves steps along the graph."""

    format = "openvino"
    extra = "openvino"
    packages = ("openvino", "nncf")
    kinds: ClassVar[Mapping[Kind, str]] = {
        Kind.HARD_SWISH: "HSwish",
        Kind.HARD_SIGMOID: "HSigmoid",
        Kind.ADD: "Add",
        Kind.MUL: "Multiply",
        Kind.MEAN: "ReduceMean",
        Kind.RESIZE: "Interpolate",
    }
    has_reduced_range = True

    def open(self, net: Net, spec: NetSpec, calibration: Calibration, folder: Path) -> Source:
        """Convert once; see `edgesmith.deploy.quantize.base.Quantizer`."""
        path = folder / "float.xml"
        OpenVinoExporter().export(net, spec, path, options=calibration.options)
        return _OpenVinoSource(path, calibration)


class _OpenVinoSource(Source):
    def __init__(self, path: Path, calibration: Calibration) -> None:
        self._path = path
        self._calibration = calibration

    def write(self, path: Path, plan: QuantPlan) -> Converted:
        """Quantize by a plan."""
        if plan.ranges is Ranges.ERROR:
            raise UsageError(f"nncf knows ranges by {Ranges.MINMAX} and {Ranges.PERCENTILE}, got {plan.ranges}")
        openvino = import_openvino()
        with kept_signal_stack(), converting("int8 openvino"):
            import nncf

            model = openvino.Core().read_model(str(self._path))
            operations = [(each.get_friendly_name(), each.get_type_name()) for each in model.get_ordered_ops()]
            kept = matching([name for name, kind in operations if kind not in BOOKKEEPING], plan.float_parts)
            kinds = {OpenVinoQuantizer.kinds[kind] for kind in plan.float_kinds}
            kept += [name for name, kind in operations if kind in kinds]
            if self._calibration.preprocessing is not None:
                kept += [name for name, kind in operations if _is_scaling(name, kind)]
            quantized = nncf.quantize(
                model,
                nncf.Dataset(list(self._calibration.inputs), lambda picture: picture[None]),
                subset_size=len(self._calibration.inputs),
                preset=nncf.QuantizationPreset.MIXED,
                ignored_scope=nncf.IgnoredScope(names=sorted(set(kept)), validate=False),
                advanced_parameters=_parameters(nncf, plan),
            )
            operators = save_named(quantized, model.get_friendly_name(), path)
        layout = "NHWC" if self._calibration.preprocessing else "NCHW"
        return Converted(
            operators=operators, in_float=OpenVinoRuntime().load(path).float_operators(), layout=layout, precision=INT8
        )


def _is_scaling(name: str, kind: str) -> bool:
    """Whether an operation belongs to no layer: it then scales the pictures, in front of the network."""
    return kind not in BOOKKEEPING and layer_of_openvino(name) == ""


def _parameters(nncf: Any, plan: QuantPlan) -> Any:
    fix = nncf.OverflowFix.ENABLE if plan.reduce_range else nncf.OverflowFix.DISABLE
    if plan.ranges is Ranges.MINMAX:
        return nncf.AdvancedQuantizationParameters(overflow_fix=fix)
    from nncf.quantization.range_estimator import (
        RangeEstimatorParameters,
        StatisticsCollectorParameters,
        StatisticsType,
    )

    def end(probability: float) -> Any:
        return StatisticsCollectorParameters(statistics_type=StatisticsType.QUANTILE, quantile_outlier_prob=probability)

    ranges = RangeEstimatorParameters(min=end(1e-5), max=end(1e-5))
    return nncf.AdvancedQuantizationParameters(overflow_fix=fix, activations_range_estimator_params=ranges)
