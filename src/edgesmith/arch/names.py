"""The enumerations that a network's description is written in."""

from __future__ import annotations

from enum import StrEnum


class Activation(StrEnum):
    """What follows a convolution's norm; ``NONE`` leaves it linear."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"
    HARD_SWISH = "hard_swish"
    HARD_SIGMOID = "hard_sigmoid"
    SIGMOID = "sigmoid"


class GateKind(StrEnum):
    """The squeeze-and-excite gate's last activation: MobileNetV3's or MnasNet's."""

    HARD_SIGMOID = "hard_sigmoid"
    SIGMOID = "sigmoid"


class Scores(StrEnum):
    """How a detector's logits become scores: each class by itself, or all and the background together."""

    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


class Skip(StrEnum):
    """What a block adds to its output."""

    NONE = "none"
    IDENTITY = "identity"
    POOL = "pool"


class Padding(StrEnum):
    """How a convolution's border is filled.

    ``SYMMETRIC`` pads (k - 1) / 2 on both sides, as PyTorch ports do; ``SAME`` is TensorFlow's rule, which puts the
    odd pixel at the bottom and right; ``VALID`` pads nothing. The first two differ only at stride 2 on even sizes.
    """

    SYMMETRIC = "symmetric"
    SAME = "same"
    VALID = "valid"


class PoolKind(StrEnum):
    """How a pooling window is reduced."""

    MAX = "max"
    AVERAGE = "average"


class Point(StrEnum):
    """Where inside a block a tap may listen; the ``INPUT`` of block 0 is the picture."""

    INPUT = "input"
    EXPAND = "expand"
    DEPTHWISE = "depthwise"
    OUTPUT = "output"
