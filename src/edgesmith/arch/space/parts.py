"""What a staged space is put together from: its frame, and its stages of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.presets import Preset
from edgesmith.arch.space.endings.base import Ending
from edgesmith.arch.space.layers import Layer, Operator

Side: TypeAlias = int | tuple[int, int]
"""A resolution: the side of a square, or height and width, in pixels."""

Settings = Mapping[str, tuple[Any, ...]]
"""For each choice of a layer its options: values of the field of that name, or mappings that set several fields."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Layers of one width; the first may halve the feature map.

    Attributes:
        stride: Of the first layer.
        widths: Choices of the output's channels.
        depths: Choices of the number of layers, ascending.
        layer: What is the same in all of them.
        common: What is chosen once for all layers of the stage, as in MnasNet's factorised hierarchy.
        own: What each layer chooses for itself.
    """

    stride: int
    widths: tuple[int, ...]
    depths: tuple[int, ...] = (1,)
    layer: Layer = field(default_factory=Layer)
    common: Settings = field(default_factory=dict)
    own: Settings = field(default_factory=dict)

    @property
    def may_vanish(self) -> bool:
        """Whether a layer can be nothing, so that its stage's width need not be seen in its blocks."""
        options = [*self.common.values(), *self.own.values()]
        chosen = [
            option.get("operator") if isinstance(option, Mapping) else option for row in options for option in row
        ]
        return Operator.NOTHING in (*chosen, self.layer.operator)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What is around the stages.

    Attributes:
        family: Name of the family, for people.
        stems: Choices of the stem's channels.
        stem_stride: 1 or 2.
        tails: Choices of the tail convolution's channels; 0 for none.
        features: Choices of the feature layer's channels; 0 for none. For classifiers alone.
        activation: Of stem, tail and feature layer.
        resolutions: Choices of the input's size in pixels.
        num_classes: Width of the answer.
        padding: How borders are filled.
        preset: Norm constants, dropout, initialisation.
        ending: Of another task than classification.
    """

    family: str
    stems: tuple[int, ...] = (16,)
    stem_stride: int = 2
    tails: tuple[int, ...] = (960,)
    features: tuple[int, ...] = (0,)
    activation: Activation = Activation.RELU
    resolutions: tuple[Side, ...] = (224,)
    num_classes: int = 1000
    padding: Padding = Padding.SYMMETRIC
    preset: Preset = Preset.TORCHVISION
    ending: Ending | None = None


def shape_of(side: Side) -> tuple[int, int]:
    """Height and width."""
    return (side, side) if isinstance(side, int) else side
