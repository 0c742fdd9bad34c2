"""int8 LiteRT by ai-edge-quantizer: int8 activations, int8 weights per channel.

A classifier whose answers are plain numbers keeps them so: its weights are int8, its input is rounded at each run, and
its scores share no step. It takes the time and the space of an int8 layer and has the accuracy of a float one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.deploy.base import INT8, Converted
from edgesmith.deploy.converting import converting
from edgesmith.deploy.litert import LiteRtExporter
from edgesmith.deploy.operator_names import ANY, is_of_part
from edgesmith.deploy.quantize.base import Calibration, Kind, Quantizer, QuantPlan, Ranges, Source
from edgesmith.deploy.quantize.ends import last_part
from edgesmith.runtimes.litert import LiteRtRuntime

if TYPE_CHECKING:
    from edgesmith.nn.build import Net

_SIGNATURE: Final = "serving_default"
_NO_QUANTIZE: Final = "no_quantize"
_SCALING: Final = r"^(CAST|MUL|ADD)_[0-3](\D|$)"  # the first operators, of no layer: they scale the pictures


class LiteRtQuantizer(Quantizer):
    """Quantizes LiteRT files."""

    format = "litert"
    extra = "litert"
    packages = ("ai_edge_quantizer",)
    kinds: ClassVar[Mapping[Kind, str]] = {
        Kind.HARD_SWISH: "HARD_SWISH",
        Kind.ADD: "ADD",
        Kind.MUL: "MUL",
        Kind.MEAN: "MEAN",
        Kind.RESIZE: "RESIZE_BILINEAR",
    }
    has_integer_ends = True

    def open(self, net: Net, spec: NetSpec, calibration: Calibration, folder: Path) -> Source:
        """Convert and run the calibration pictures once; see `edgesmith.deploy.quantize.base.Quantizer`."""
        path = folder / "float.tflite"
        LiteRtExporter().export(net, spec, path, options=calibration.options)
        return _LiteRtSource(path, calibration, last_part(spec))


class _LiteRtSource(Source):
    def __init__(self, path: Path, calibration: Calibration, last: str) -> None:
        self._path, self._last = path, last
        self._scales = calibration.preprocessing is not None
        images = calibration.inputs if calibration.pictures is not None else calibration.images.transpose(0, 2, 3, 1)
        pictures = [{"images": np.ascontiguousarray(each[None])} for each in images]
        with converting("int8 litert"):
            self._statistics = self._quantizer(QuantPlan()).calibrate({_SIGNATURE: pictures})

    def write(self, path: Path, plan: QuantPlan) -> Converted:
        """Quantize by a plan; the pictures were run before."""
        if plan.ranges is not Ranges.MINMAX:
            raise UsageError(f"litert's quantizer knows ranges by {Ranges.MINMAX}, got {plan.ranges}")
        with converting("int8 litert"):
            path.unlink(missing_ok=True)
            result = self._quantizer(plan).quantize(self._statistics, enable_progress_report=False)
            result.export_model(str(path))
        loaded = LiteRtRuntime().load(path)
        operators, outside = loaded.operators()
        many, weights = loaded.stepped_weights()
        return Converted(
            operators=operators,
            outside=outside,
            in_float=loaded.float_operators(),
            layout="NHWC",
            precision=INT8,
            notes=(f"{many} of {weights} weights have a step for each channel",),
        )

    def _quantizer(self, plan: QuantPlan) -> Any:
        from ai_edge_quantizer import qtyping, quantizer, recipe

        names = qtyping.TFLOperationName
        made = quantizer.Quantizer(str(self._path))
        made.load_quantization_recipe(recipe.static_wi8_ai8())
        if not plan.integer_ends:
            for end in (names.INPUT, names.OUTPUT):
                made.update_quantization_recipe(regex=".*", operation_name=end, algorithm_key=_NO_QUANTIZE)
            made.update_quantization_recipe(
                regex=_pattern(self._last, self._last),
                operation_name=names.FULLY_CONNECTED,
                op_config=qtyping.OpQuantizationConfig.from_dict(recipe.dynamic_wi8_afp32()[0]["op_config"]),
            )
        if self._scales:
            made.update_quantization_recipe(
                regex=_SCALING, operation_name=names.ALL_SUPPORTED, algorithm_key=_NO_QUANTIZE
            )
        for kind in plan.float_kinds:
            if kind in LiteRtQuantizer.kinds:
                operator = names[LiteRtQuantizer.kinds[kind]]
                made.update_quantization_recipe(regex=".*", operation_name=operator, algorithm_key=_NO_QUANTIZE)
        for part in plan.float_parts:
            made.update_quantization_recipe(
                regex=_pattern(part, self._last), operation_name=names.ALL_SUPPORTED, algorithm_key=_NO_QUANTIZE
            )
        return made


def _pattern(part: str, last: str) -> str:
    """Results of a part's operators; that of the ``last`` layer is called ``logits``."""
    begun = part.removesuffix(ANY)
    pattern = rf"^{re.escape(begun)}" if begun != part else rf"^{re.escape(part)}[./]"
    return rf"({pattern}|^logits)" if is_of_part(last, part) else pattern
