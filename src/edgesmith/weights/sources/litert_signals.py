"""What flows through a ``.tflite`` graph, and the steps that are found in it.

Converters leave out a ReLU or ReLU6 where the range of a quantized tensor clips in the same way. So a range that
begins at zero may stand for an activation, or may just have been learned; the curves of both are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from edgesmith.arch.names import Activation, GateKind, Padding
from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.curves import CLIPPED_SIXTH, GRID, Curve, activation_of
from edgesmith.weights.sources.layers import Layer
from edgesmith.weights.sources.padding import NO_SIDES, Sides
from edgesmith.weights.sources.steps import Step

_SHIFT: Final = 3  # of a hard-sigmoid
_SIX: Final = 6.03  # the greatest value of a ReLU6 whose range is rounded to the step


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What a tensor holds.

    Attributes:
        step: Number of the step that it comes from.
        tensor: Number of the tensor that first held these values.
        curves: What may have become of `curves.GRID` since the step; first without the clipping of any range.
        sides: Zeros put around it since.
        is_scores: Whether a softmax, or the likeliest class, has been taken.
    """

    step: int
    tensor: int
    curves: tuple[Curve, ...] = (GRID,)
    sides: Sides = NO_SIDES
    is_scores: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """One step of a file.

    Attributes:
        step: What it does, without its activation.
        activations: What may follow it; one name in a float file.
        layer: Kernel and bias in torch's layout, for convolutions and linear layers.
        before: Number of the tensor before the activation.
        after: Number of the tensor after the activation, the same where they are fused.
        paddings: Rules that pad its input in just the way the file does.
    """

    step: Step
    activations: frozenset[str] = frozenset({Activation.NONE.value})
    layer: Layer | None = None
    before: int
    after: int
    paddings: frozenset[Padding] = frozenset(Padding)

    def agrees(self, wanted: Step) -> bool:
        """Whether the file does what a zoo net does in this place."""
        return wanted.activation in self.activations and self.step == replace(wanted, activation=self.step.activation)

    def __str__(self) -> str:
        """For messages."""
        name = "" if self.layer is None else f"{self.layer.name!r}, "
        step = replace(self.step, activation=" or ".join(sorted(self.activations)))
        return f"{name}{step}"


def hidden_activations(limits: tuple[float, float] | None) -> tuple[str, ...]:
    """Activations that the range of a quantized tensor may do the work of.

    Args:
        limits: Its least and greatest value; None for a float tensor.
    """
    if limits is None or limits[0] != 0:
        return ()
    return ("RELU", "RELU6") if limits[1] < _SIX else ("RELU",)


def settled(found: Found, read: Signal) -> Found:
    """The step with its activation, as its readers have it.

    A bias that a converter has added a hard-sigmoid's 3 to gets its own value back.

    Raises:
        WeightsError: What they read is no activation that a net of the zoo has.
    """
    names = {name for name in map(activation_of, read.curves) if name is not None}
    if names == {CLIPPED_SIXTH} and found.layer is not None and found.layer.bias is not None:
        layer = replace(found.layer, bias=found.layer.bias - np.float32(_SHIFT))
        sigmoid = frozenset({GateKind.HARD_SIGMOID.value})
        return replace(found, activations=sigmoid, layer=layer, before=read.tensor, after=read.tensor)
    if not names:
        raise WeightsError(f"tensor {read.tensor} holds an activation that no net of the zoo has")
    return replace(found, activations=frozenset(names), after=read.tensor)
