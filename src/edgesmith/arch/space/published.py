"""Spaces whose networks others have trained or timed, and published: their tables are points of these."""

from __future__ import annotations

from typing import Final

from edgesmith.arch.names import Activation
from edgesmith.arch.presets import Preset
from edgesmith.arch.space.layers import Gating, Layer, Operator
from edgesmith.arch.space.parts import Frame, Stage
from edgesmith.arch.space.staged import StagedSpace

# Of EfficientNet-B0: stride, width, most layers.
_ACCEL: Final = ((1, 16, 3), (2, 24, 3), (2, 40, 3), (2, 80, 3), (1, 112, 3), (2, 192, 4), (1, 320, 3))
# Stride, width, gates, h-swish.
_OFA: Final = (
    (2, 24, False, False),
    (2, 40, True, False),
    (2, 80, False, True),
    (1, 112, True, True),
    (2, 160, True, True),
)


def macro_space() -> StagedSpace:
    """NAS-Bench-Macro (Su et al. 2021): eight layers for CIFAR-10 that are nothing, or one of two V2 blocks."""
    frame = Frame(
        family="NAS-Bench-Macro",
        stems=(32,),
        stem_stride=1,
        tails=(1280,),
        resolutions=(32,),
        num_classes=10,
        preset=Preset.TORCH,
    )
    operators = (
        {"operator": Operator.NOTHING},
        {"kernel_size": 3, "expansion": 3.0},
        {"kernel_size": 5, "expansion": 6.0},
    )
    stages = [
        Stage(stride=2, widths=(width,), depths=(depth,), own={"operator": operators})
        for width, depth in ((64, 2), (128, 3), (256, 3))
    ]
    return StagedSpace("macro_space", frame, stages)


def accel_space() -> StagedSpace:
    """Accel-NASBench (Ahmad et al. 2024): seven stages on EfficientNet-B0's skeleton, all layers of a stage alike."""
    frame = Frame(family="Accel-NASBench", stems=(32,), tails=(1280,), preset=Preset.TORCH)
    stages = [
        Stage(
            stride=stride,
            widths=(width,),
            depths=tuple(range(1, depth + 1)),
            common={
                "expansion": (1.0, 4.0, 6.0),
                "kernel_size": (3, 5),
                "gating": (Gating.NONE, Gating.INPUT),
            },
        )
        for stride, width, depth in _ACCEL
    ]
    return StagedSpace("accel_space", frame, stages)


def ofa_space() -> StagedSpace:
    """Once-for-all's MobileNetV3 (Cai et al. 2020): kernels and expansions of each layer, depths, resolutions."""
    frame = Frame(
        family="Once-for-all",
        tails=(960,),
        features=(1280,),
        activation=Activation.HARD_SWISH,
        resolutions=tuple(range(128, 225, 4)),
    )
    first = Stage(stride=1, widths=(16,), layer=Layer(expansion=1.0))
    stages = [
        Stage(
            stride=stride,
            widths=(width,),
            depths=(2, 3, 4),
            layer=Layer(
                gating=Gating.EXPANSION if gated else Gating.NONE,
                activation=Activation.HARD_SWISH if swish else Activation.RELU,
            ),
            own={"kernel_size": (3, 5, 7), "expansion": (3.0, 4.0, 6.0)},
        )
        for stride, width, gated, swish in _OFA
    ]
    return StagedSpace("ofa_space", frame, [first, *stages])
