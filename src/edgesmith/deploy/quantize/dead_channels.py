"""Filters that compute next to nothing, made fit for integers.

A filter whose weights have died leaves its bias as the answer. With a step for each channel its step is tiny, and the
bias, which is stored in steps of ``input step * filter step``, no longer fits into 32 bits: the file then answers
nonsense without a word. One weight of such a filter is raised until the bias fits; it moves the answer by far less
than an activation's step.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from edgesmith.deploy.quantize.base import Calibration
from edgesmith.nn.fold import fold_norms

if TYPE_CHECKING:
    from edgesmith.nn.build import Net

_STEPS: Final = 127
_ROOM: Final = 2.0**29  # a quarter of what 32 bits with a sign hold: a bias is not all that is summed up
_ADDED: Final = 3.0  # converters add a hard sigmoid's offset to the bias before it
_BATCH: Final = 16


def with_living_channels(net: Net, calibration: Calibration) -> tuple[Net, int]:
    """A copy with folded norms in which every bias fits, and the number of filters that were mended.

    Args:
        net: In evaluation mode; it is left as it is.
        calibration: Tells how large each layer's input becomes.
    """
    folded = deepcopy(fold_norms(net))
    steps = _input_steps(folded, calibration)
    with torch.no_grad():
        mended = sum(_mend_(module, steps[name]) for name, module in _layers(folded).items() if name in steps)
    return folded, mended


def _layers(net: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    return {name: module for name, module in net.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def _input_steps(net: nn.Module, calibration: Calibration) -> dict[str, float]:
    """The step of each layer's input in eight bits: its range on the pictures over 255."""
    lows: dict[str, float] = {}
    highs: dict[str, float] = {}

    def watch(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            lows[name] = min(lows.get(name, 0.0), float(inputs[0].min()))
            highs[name] = max(highs.get(name, 0.0), float(inputs[0].max()))

        return hook

    handles = [module.register_forward_pre_hook(watch(name)) for name, module in _layers(net).items()]
    try:
        with torch.inference_mode():
            for start in range(0, len(calibration.images), _BATCH):
                net(torch.from_numpy(calibration.images[start : start + _BATCH]))
    finally:
        for handle in handles:
            handle.remove()
    return {name: (highs[name] - lows[name]) / 255 for name in highs}


def _mend_(layer: nn.Conv2d | nn.Linear, input_step: float) -> int:
    """Raise the largest weight of each filter whose bias would not fit; returns how many there were."""
    if layer.bias is None or input_step <= 0:
        return 0
    filters = layer.weight.flatten(1)
    needed = (layer.bias.abs() + _ADDED) * _STEPS / (_ROOM * input_step)
    largest = filters.abs().argmax(dim=1, keepdim=True)
    values = filters.gather(1, largest).squeeze(1)
    low = values.abs() < needed
    signs = torch.where(values < 0, -1.0, 1.0)
    mended = filters.scatter(1, largest, torch.where(low, signs * needed, values)[:, None])
    layer.weight.copy_(mended.view_as(layer.weight))
    return int(low.sum())
