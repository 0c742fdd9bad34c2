"""CondenseNet's dense layer, while its groups are learned and after they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.names import Activation
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value
from edgesmith.core.errors import SpecError

_BOTTLENECK = 4  # times the growth


@dataclass(frozen=True, kw_only=True)
class _DenseLayer:
    """What both forms are described by."""

    growth: int
    groups: int
    condensation: int

    @property
    def stride(self) -> int:
        """It never halves the feature map."""
        return 1


@dataclass(frozen=True, kw_only=True)
class CondensedLayer(_DenseLayer):
    """Each group reads the inputs that it has kept; the layer's channels are put behind its input's.

    Shape: ``(N, C, H, W) -> (N, C + growth, H, W)``.
    Paper: CondenseNet, section 3.2 and figure 1 (test time).

    Args:
        growth: Channels that the layer adds.
        groups: Of both convolutions.
        condensation: Each group of the 1x1 convolution reads one input in so many.
    """

    kind: ClassVar[str] = "condensed_layer"
    elastic: ClassVar[bool] = False

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``.

        Raises:
            SpecError: The input's channels do not divide by the condensation.
        """
        if x.channels % self.condensation:
            raise SpecError(f"{x.channels} input channels do not divide by a condensation of {self.condensation}")
        h = t.pick(x, self.groups * (x.channels // self.condensation), name="index")
        h = t.norm(h, name="norm", activation=Activation.RELU)
        h = t.conv(h, _BOTTLENECK * self.growth, name="bottleneck", activation=Activation.RELU, groups=self.groups)
        h = t.shuffle(h, name="shuffle", groups=self.groups)
        return t.concatenate(x, _grow(t, h, self.growth, self.groups), name="concatenation")


@dataclass(frozen=True, kw_only=True)
class LearnedLayer(_DenseLayer):
    """A `CondensedLayer` in training: each group reads all inputs, and drops the least important in stages.

    Shape: ``(N, C, H, W) -> (N, C + growth, H, W)``.
    Paper: CondenseNet, section 3.1 (learned group convolution).

    Args:
        growth: Channels that the layer adds.
        groups: Of both convolutions.
        condensation: In the end each group reads one input in so many.
    """

    kind: ClassVar[str] = "learned_layer"
    elastic: ClassVar[bool] = False

    def trace(self, t: Trace, x: Value) -> Value:
        """Run the block over ``x``."""
        h = t.norm(x, name="norm", activation=Activation.RELU)
        h = t.learned_groups(
            h,
            _BOTTLENECK * self.growth,
            name="bottleneck",
            groups=self.groups,
            condensation=self.condensation,
            activation=Activation.RELU,
        )
        return t.concatenate(x, _grow(t, h, self.growth, self.groups), name="concatenation")


def _grow(t: Trace, x: Value, growth: int, groups: int) -> Value:
    return t.conv(
        x, growth, name="grow", activation=Activation.NONE, kernel_size=3, groups=groups, norm=False, bias=False
    )
