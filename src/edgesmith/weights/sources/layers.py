"""The layers of a foreign file in forward order, and how they become the state of a zoo net.

Files of TensorFlow's family name their layers in many ways but run them in one order, so that the order and the
shapes of the kernels say which net it is and where each tensor belongs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.network import trace_network
from edgesmith.arch.presets import PRESETS, Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.values import TensorSpec
from edgesmith.arch.zoo.identify import identify
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError

Array = NDArray[np.float32]

# A batch norm's tensors: TensorFlow's names and torch's.
_NORM_ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
)
_BACKGROUND: Final = 1001  # TensorFlow's ImageNet nets have a class 0 that no picture is of


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One convolution or linear layer in torch's layout.

    Args:
        name: What the file calls it, for messages.
        weight: ``(out, in / groups, height, width)``, or ``(out, in)``.
        bias: ``(out,)``, or None.
        norm: The batch norm behind it under torch's names (``weight``, ``bias``, ``running_mean``, ``running_var``),
            each ``(out,)``; empty where there is none, or where it is folded into weight and bias.
    """

    name: str
    weight: Array
    bias: Array | None = None
    norm: Mapping[str, Array] = field(default_factory=dict)


def find_spec(
    layers: Sequence[Layer],
    *,
    preset: Preset,
    padding: Padding = Padding.SAME,
    resolution: tuple[int, int] = (224, 224),
    v1_activation: Activation = Activation.RELU6,
) -> NetSpec:
    """The zoo net that has these layers, with their number of classes.

    Args:
        layers: In forward order, the classifier last.
        preset: Whose norm constants the file was trained with.
        padding: How the file's convolutions fill their borders.
        resolution: Height and width of the file's input in pixels.
        v1_activation: What follows MobileNetV1's norms: the paper says ReLU, TensorFlow's code has ReLU6.

    Raises:
        WeightsError: No net of the zoo has such kernels; says where the nearest one differs.
    """
    name = identify([layer.weight.shape for layer in layers])
    classes = len(layers[-1].weight)
    options = [f"padding={padding}", f"preset={preset}"]
    if find(name).family == "MobileNetV1":
        options.append(f"activation={v1_activation}")
    if classes != find(name).num_classes:
        options.append(f"classes={classes}")
    if resolution != find(name).resolution:
        options.append(f"resolution={resolution[0]}x{resolution[1]}")
    return find(f"{name}{',' if '@' in name else '@'}{','.join(options)}")


def fill(spec: NetSpec, layers: Sequence[Layer]) -> dict[str, Tensor]:
    """Every tensor of the built net by its key.

    Where the net has a norm and the file has folded it away, the norm becomes one that only adds the folded bias.

    Raises:
        WeightsError: The layers are of another network; names the first that does not fit.
    """
    groups = tensor_groups(spec)
    if len(groups) != len(layers):
        raise WeightsError(f"the file has {len(layers)} layers with kernels, {spec.name} has {len(groups)}")
    body, head = (PRESETS[preset].norm_epsilon for preset in (spec.preset, spec.head.preset or spec.preset))
    state: dict[str, Tensor] = {}
    for layer, group in zip(layers, groups, strict=True):
        has_norm = any(".norm." in key for key in group)
        epsilon = head if next(iter(group)).startswith("head.") else body
        values = _with_norm(layer, epsilon) if has_norm else _without_norm(layer)
        for key, wanted in group.items():
            state[key] = _tensor(values, key, wanted, layer)
    return state


def drop_background(layers: Sequence[Layer]) -> tuple[list[Layer], tuple[str, ...]]:
    """The layers without TensorFlow's class 0, and the note to make of it; the same layers where there is none.

    Raises:
        WeightsError: There are no layers.
    """
    if not layers:
        raise WeightsError("it has no layers with kernels")
    last = layers[-1]
    if len(last.weight) != _BACKGROUND:
        return list(layers), ()
    bias = None if last.bias is None else last.bias[1:]
    note = "class 0 of 1001, TensorFlow's 'background', is dropped: 1000 classes in ImageNet's order remain"
    return [*layers[:-1], replace(last, weight=last.weight[1:], bias=bias)], (note,)


def from_hwio(kernel: NDArray[Any]) -> Array:
    """TensorFlow's convolution kernel ``(height, width, in, out)`` as ``(out, in, height, width)``."""
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), dtype=np.float32)


def from_hwc1(kernel: NDArray[Any]) -> Array:
    """TensorFlow's depthwise kernel ``(height, width, channels, 1)`` as ``(channels, 1, height, width)``."""
    return np.ascontiguousarray(kernel.transpose(2, 3, 0, 1), dtype=np.float32)


def norm_of(found: Mapping[str, Array], *, name: str) -> dict[str, Array]:
    """A norm under torch's names from TensorFlow's (``gamma``, ``moving_mean``, ...); empty from nothing.

    Raises:
        WeightsError: Some of its four tensors are missing.
    """
    missing = [theirs for theirs in _NORM_ROLES if theirs not in found]
    if found and missing:
        raise WeightsError(f"the batch norm of the file's layer {name!r} has no {missing[0]}")
    return {mine: found[theirs] for theirs, mine in _NORM_ROLES.items()} if found else {}


def tensor_groups(spec: NetSpec) -> list[dict[str, TensorSpec]]:
    """The net's tensors by key, a new group at each kernel."""
    groups: list[dict[str, TensorSpec]] = []
    for key, tensor in trace_network(spec).tensors().items():
        if key.endswith("weight") and len(tensor.axes) > 1:
            groups.append({})
        groups[-1][key] = tensor
    return groups


def _with_norm(layer: Layer, epsilon: float) -> dict[str, NDArray[Any]]:
    """Kernel and norm by role; a bias in front of a norm moves into its running mean."""
    zeros = np.zeros(len(layer.weight), np.float32)
    bias = zeros if layer.bias is None else layer.bias
    norm = (
        {**layer.norm, "running_mean": layer.norm["running_mean"] - bias}
        if layer.norm
        else {
            "weight": zeros + 1,
            "bias": bias,
            "running_mean": zeros,
            "running_var": zeros + np.float32(1 - epsilon),
        }
    )
    values: dict[str, NDArray[Any]] = {f"norm.{role}": value for role, value in norm.items()}
    return {"weight": layer.weight, **values, "norm.num_batches_tracked": np.zeros((), np.int64)}


def _without_norm(layer: Layer) -> dict[str, NDArray[Any]]:
    if layer.norm:
        raise WeightsError(f"the file's layer {layer.name!r} has a batch norm where the zoo's net has a bias")
    bias = np.zeros(len(layer.weight), np.float32) if layer.bias is None else layer.bias
    return {"weight": layer.weight, "bias": bias}


def _tensor(values: Mapping[str, NDArray[Any]], key: str, wanted: TensorSpec, layer: Layer) -> Tensor:
    """The value for a key in the net's shape: a linear layer and a 1x1 kernel of one size hold the same numbers."""
    prefix, _, role = key.rpartition(".")
    value = values.get(f"norm.{role}" if prefix.endswith(".norm") else role)
    if value is None or value.size != wanted.size:
        found = "nothing" if value is None else value.shape
        raise WeightsError(f"the file's layer {layer.name!r} has {found} for {key!r}, which is {wanted.shape}")
    if not np.isfinite(value).all():
        raise WeightsError(f"the file's layer {layer.name!r} holds numbers that are not finite, for {key!r}")
    return torch.from_numpy(np.array(value).reshape(wanted.shape))
