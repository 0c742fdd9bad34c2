"""Checkpoints of TensorFlow's slim library: MobileNetV1, V2 and V3 as their authors trained them.

Source: tensorflow/models, research/slim/nets/mobilenet_v1.py and research/slim/nets/mobilenet/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edgesmith.arch.presets import Preset
from edgesmith.core.errors import WeightsError
from edgesmith.weights.imported import Imported
from edgesmith.weights.sources.layers import (
    Array,
    Layer,
    drop_background,
    fill,
    find_spec,
    from_hwc1,
    from_hwio,
    norm_of,
)
from edgesmith.weights.sources.scaling import minus_one_to_one
from edgesmith.weights.sources.tensor_bundle import TensorBundle

_AVERAGE: Final = "/ExponentialMovingAverage"
_VARIABLE: Final = re.compile(
    r"MobilenetV[123]/(?P<layer>.+?)/"
    r"(?P<role>weights|depthwise_weights|biases|BatchNorm/(?:gamma|beta|moving_mean|moving_variance))"
)
_BLOCK: Final = re.compile(r"(?:Conv2d|expanded_conv)_?(?P<number>\d*)[_/]?(?P<part>.*)")
# Order of the layers within a block; the stem of V1, Conv2d_0, has no part.
_PARTS: Final = (
    "", "expand", "depthwise", "squeeze_excite/Conv", "squeeze_excite/Conv_1", "project", "pointwise",
)  # fmt: skip
# Order of the layers outside of blocks; the blocks are in the place of the empty name.
_OUTER: Final = ("Conv", "", "Conv_1", "Conv_2", "Logits/Conv2d_1c_1x1")


def read_tf_slim(path: Path) -> Imported:
    """A MobileNet from a checkpoint; its moving averages where it has some.

    Args:
        path: The checkpoint's prefix (``model.ckpt-500000``), or its ``.index`` file.

    Raises:
        WeightsError: The checkpoint is damaged, or holds no MobileNet of slim's that the zoo has.
    """
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    variables, notes = _read_variables(TensorBundle(prefix), prefix)
    layers, dropped = drop_background(slim_layers(variables))
    spec = find_spec(layers, preset=Preset.TIMM_TF)
    return Imported(
        name=prefix.name,
        spec=spec,
        state=fill(spec, layers),
        preprocessing=minus_one_to_one(spec.resolution),
        source=f"TensorFlow slim checkpoint {prefix.name}",
        notes=(*notes, *dropped),
    )


def slim_layers(variables: Mapping[str, Array]) -> list[Layer]:
    """The layers in forward order.

    Args:
        variables: Arrays by slim's names, ``MobilenetV3/expanded_conv_3/depthwise/depthwise_weights``.

    Raises:
        WeightsError: A layer has a name that slim's MobileNets do not have, or no kernel.
    """
    by_layer: dict[str, dict[str, Array]] = {}
    for name, value in variables.items():
        if (match := _VARIABLE.fullmatch(name)) is not None:
            by_layer.setdefault(match["layer"], {})[match["role"]] = value
    return [_layer(name, by_layer[name]) for name in sorted(by_layer, key=_rank)]


def _read_variables(bundle: TensorBundle, prefix: Path) -> tuple[dict[str, Array], tuple[str, ...]]:
    """The network's own variables, averaged where they can be; training's counters and slots are left out."""
    names = bundle.floats()
    own = [name for name in names if _VARIABLE.fullmatch(name)]
    if not own:
        first = next(iter(bundle.entries), "nothing")
        raise WeightsError(f"{prefix} has no variables of slim's MobilenetV1, V2 or V3; its first is {first!r}")
    averaged = {name for name in own if name + _AVERAGE in names}
    note = f"{len(averaged)} of {len(own)} variables are taken as their exponential moving averages"
    variables = {name: bundle.read(name + _AVERAGE if name in averaged else name) for name in own}
    return variables, (note,) if averaged else ()


def _rank(layer: str) -> tuple[int, int, int]:
    """Where a layer stands in forward order."""
    if layer in _OUTER:
        return _OUTER.index(layer), 0, 0
    match = _BLOCK.fullmatch(layer)
    if match is None or match["part"] not in _PARTS:
        raise WeightsError(f"slim's MobileNets have no layer {layer!r}")
    return _OUTER.index(""), int(match["number"] or 0), _PARTS.index(match["part"])


def _layer(name: str, variables: Mapping[str, Array]) -> Layer:
    if "depthwise_weights" in variables:
        weight = from_hwc1(variables["depthwise_weights"])
    elif "weights" in variables:
        weight = from_hwio(variables["weights"])
    else:
        raise WeightsError(f"the layer {name!r} has no kernel, only {', '.join(variables)}")
    found = {role.removeprefix("BatchNorm/"): value for role, value in variables.items() if "/" in role}
    return Layer(name=name, weight=weight, bias=variables.get("biases"), norm=norm_of(found, name=name))
