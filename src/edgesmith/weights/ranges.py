"""A float net that holds its activations as the quantized file did that its weights come from.

Weights that were trained with quantization have grown used to rounded and clipped activations. Google's V3-Small
loses two points in plain float; with the ranges emulated it has them back. An integer runtime's own kernels differ
from each other as much as this differs from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

from torch import Tensor, nn

from edgesmith.core.errors import WeightsError
from edgesmith.core.table import closest
from edgesmith.nn.build import Net
from edgesmith.nn.layers import SqueezeExcite
from edgesmith.weights.imported import Range

_LINEAR = ".linear"


def emulate_ranges(net: Net, ranges: Mapping[str, Range], *, rounding: bool = True) -> Net:
    """A copy of ``net``, in evaluation mode, whose activations stay within ``ranges``.

    Weights are as they were. A gate's last activation is not held: its range is 0..1 by itself.

    Args:
        net: A built network; it is left as it is.
        ranges: By the name of the operation, as in `Imported.ranges`.
        rounding: Whether values are also rounded to the range's steps, as integers are; no gradient passes that.
            Clipping alone wins nothing back on V3-Small.

    Raises:
        WeightsError: A range is for an operation that the net does not have.
    """
    held = deepcopy(net).eval()
    modules = dict(held.named_modules())
    for name, limits in ranges.items():
        _hold(held, modules, name, partial(_within, limits, rounding))
    return held


def _hold(net: Net, modules: Mapping[str, nn.Module], name: str, within: Callable[[Tensor], Tensor]) -> None:
    """Put ``within`` behind what makes the activation, or in front of what reads it."""
    owner, _, leaf = name.rpartition(".")
    gate = modules.get(owner)
    if name == "input":
        net.register_forward_pre_hook(partial(_on_inputs, within))
    elif isinstance(gate, SqueezeExcite) and leaf == "pool":
        gate.squeeze.register_forward_pre_hook(partial(_on_inputs, within))
    elif isinstance(gate, SqueezeExcite) and leaf == "excite":
        return
    else:
        _maker(modules, name).register_forward_hook(partial(_on_output, within))


def _maker(modules: Mapping[str, nn.Module], name: str) -> nn.Module:
    """The module whose output a range is of; the value before an activation is what the layer before it makes."""
    if name.endswith(_LINEAR):
        module = modules.get(name.removesuffix(_LINEAR))
        layers = [layer for key, layer in module.named_children() if key != "activation"] if module is not None else []
        module = layers[-1] if layers else module
    else:
        module = modules.get(name)
    if module is None:
        near = closest(name, modules)
        raise WeightsError(f"the net has no operation {name!r}, for which there is a range; nearest: {near!r}")
    return module


def _within(limits: Range, rounding: bool, x: Tensor) -> Tensor:
    held = x.clamp(limits.low, limits.high)
    if not rounding or not limits.step:
        return held
    return ((held - limits.low) / limits.step).round() * limits.step + limits.low


def _on_output(within: Callable[[Tensor], Tensor], _module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return within(output)


def _on_inputs(
    within: Callable[[Tensor], Tensor], _module: nn.Module, inputs: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    return tuple(within(x) for x in inputs)
