"""The spaces that edgesmith searches: around MobileNetV3 and V2, and MnasNet's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from edgesmith.arch.channels import make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.names import Activation, Padding, Skip
from edgesmith.arch.presets import Preset
from edgesmith.arch.space.endings.table import ENDINGS
from edgesmith.arch.space.layers import Gating, Layer, Operator, Width
from edgesmith.arch.space.parts import Frame, Side, Stage
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.core.table import lookup

RESOLUTIONS: Final = (96, 128, 160, 192, 224)
_RATIOS: Final = (1.0, 2.0, 3.0, 4.0, 6.0)
_MULTIPLES: Final = (0.35, 0.5, 0.75, 1.0, 1.25, 1.5)
# Of what is behind the stages: at small widths a tail of full width would be most of the network.
_TAIL_MULTIPLES: Final = (0.35, 0.5, 0.75, 1.0, 1.25)
_STEMS: Final = (8, 16, 24)

# Of MobileNetV3's tables 1 and 2, a stage a line: stride, width, expansions of its layers.
_LARGE: Final = (
    (1, 16, (16,)),
    (2, 24, (64, 72)),
    (2, 40, (72, 120, 120)),
    (2, 80, (240, 200, 184, 184)),
    (1, 112, (480, 672)),
    (2, 160, (672, 960, 960)),
)
_SMALL: Final = (
    (2, 16, (16,)),
    (2, 24, (72, 88)),
    (2, 40, (96, 240, 240)),
    (1, 48, (120, 144)),
    (2, 96, (288, 576, 576)),
)
# Of MobileNetV2's table 2: stride, width, layers.
_A1_NEAR, _A1_WIDTH = 96, 112
_V2: Final = ((1, 16, 1), (2, 24, 2), (2, 32, 3), (2, 64, 4), (1, 96, 3), (2, 160, 3), (1, 320, 1))


def mobilenet_v3_large_space(*, resolutions: Sequence[Side] = RESOLUTIONS, num_classes: int = 1000) -> StagedSpace:
    """MobileNetV3-Large and what is around it, coarse enough for a controller."""
    return _v3("mobilenet_v3_large", _LARGE, 960, 1280, resolutions, num_classes)


def mobilenet_v3_small_space(*, resolutions: Sequence[Side] = RESOLUTIONS, num_classes: int = 1000) -> StagedSpace:
    """MobileNetV3-Small and what is around it, coarse enough for a controller."""
    return _v3("mobilenet_v3_small", _SMALL, 576, 1024, resolutions, num_classes)


def mobilenet_v2_space(*, resolutions: Sequence[Side] = RESOLUTIONS, num_classes: int = 1000) -> StagedSpace:
    """MobileNetV2 and what is around it."""
    frame = Frame(
        family="MobileNetV2",
        stems=(16, 24, 32),
        tails=_around(1280, _TAIL_MULTIPLES),
        activation=Activation.RELU6,
        resolutions=tuple(resolutions),
        num_classes=num_classes,
        preset=Preset.TORCH,
    )
    layer = Layer(activation=Activation.RELU6)
    stages = [
        Stage(
            stride=stride,
            widths=_around(width, _MULTIPLES),
            depths=tuple(range(1, depth + 2)),
            layer=layer,
            common={"kernel_size": (3, 5, 7)},
            own={"expansion": _RATIOS},
        )
        for stride, width, depth in _V2
    ]
    return StagedSpace("mobilenet_v2_space", frame, stages)


def mnasnet_space(*, resolutions: Sequence[Side] = (224,), num_classes: int = 1000) -> StagedSpace:
    """MnasNet's factorised hierarchical space (its section 4), around MobileNetV2: all layers of a stage are alike.

    MnasNet-A1's 112 channels are no option of the paper's (0.75, 1 and 1.25 of MobileNetV2's 96); they are one here.
    """
    frame = Frame(
        family="MnasNet",
        stems=(32,),
        tails=(1280,),
        resolutions=tuple(resolutions),
        num_classes=num_classes,
        preset=Preset.TORCH,
    )
    operators = (
        {"operator": Operator.CONV},
        {"operator": Operator.INVERTED, "expansion": 1.0},
        {"operator": Operator.INVERTED, "expansion": 3.0},
        {"operator": Operator.INVERTED, "expansion": 6.0},
    )
    common = {
        "operator": operators,
        "kernel_size": (3, 5),
        "gating": (Gating.NONE, Gating.INPUT),
        "skip": (Skip.NONE, Skip.IDENTITY, Skip.POOL),
    }
    stages = [
        Stage(
            stride=stride,
            widths=tuple(sorted({*_around(width, (0.75, 1.0, 1.25)), *([_A1_WIDTH] if width == _A1_NEAR else [])})),
            depths=tuple(sorted({max(1, depth - 1), depth, depth + 1})),
            common=common,
        )
        for stride, width, depth in _V2
    ]
    return StagedSpace("mnasnet_space", frame, stages)


def find_space(
    name: str,
    *,
    resolutions: Sequence[Side] = RESOLUTIONS,
    num_classes: int = 1000,
    task: str = Classifier.task,
) -> StagedSpace:
    """A space by its name, with the heads of a task and their choices.

    Raises:
        UsageError: It is unknown; names the closest and all choices.
    """
    space = lookup(SPACES, name, what="search space")(resolutions=resolutions, num_classes=num_classes)
    return space if task == Classifier.task else for_task(space, task)


def for_task(space: StagedSpace, task: str) -> StagedSpace:
    """The same backbones with the heads of another task."""
    ending = lookup(ENDINGS, task, what="task")()
    return StagedSpace(space.name, replace(space.frame, ending=ending, features=(0,)), space.stages)


def in_style(space: StagedSpace, *, padding: Padding, preset: Preset) -> StagedSpace:
    """The same choices with the padding and norms that weights were trained under."""
    frame = replace(space.frame, padding=padding, preset=preset)
    return StagedSpace(space.name, frame, space.stages)


def backbones_of(space: StagedSpace) -> StagedSpace:
    """The same backbones as plain classifiers without a feature layer."""
    return StagedSpace(space.name, replace(space.frame, ending=None, features=(0,)), space.stages)


def _v3(
    name: str,
    rows: Sequence[tuple[int, int, tuple[int, ...]]],
    tail: int,
    feature: int,
    resolutions: Sequence[Side],
    num_classes: int,
) -> StagedSpace:
    frame = Frame(
        family="MobileNetV3",
        stems=_STEMS,
        tails=_around(tail, _TAIL_MULTIPLES),
        features=(feature,),
        activation=Activation.HARD_SWISH,
        resolutions=tuple(resolutions),
        num_classes=num_classes,
    )
    stages = [
        Stage(
            stride=stride,
            widths=_around(width, _MULTIPLES),
            depths=tuple(range(1, len(expansions) + 2)),
            layer=Layer(),
            common={
                "kernel_size": (3, 5, 7),
                "gating": (Gating.NONE, Gating.EXPANSION),
                "activation": (Activation.RELU, Activation.HARD_SWISH),
            },
            own={"expansion": _expansions(expansions)},
        )
        for stride, width, expansions in rows
    ]
    return StagedSpace(f"{name}_space", frame, stages)


def _expansions(exact: Sequence[int]) -> tuple[Width, ...]:
    """Ratios, and the paper's own numbers of channels, which no ratio gives."""
    return (*_RATIOS, *sorted(set(exact)))


def _around(width: int, multiples: Sequence[float]) -> tuple[int, ...]:
    return tuple(sorted({make_divisible(width * multiple) for multiple in multiples}))


SPACES: Final[Mapping[str, Callable[..., StagedSpace]]] = MappingProxyType(
    {
        "mobilenet_v3_large": mobilenet_v3_large_space,
        "mobilenet_v3_small": mobilenet_v3_small_space,
        "mobilenet_v2": mobilenet_v2_space,
        "mnasnet": mnasnet_space,
    }
)

SEEDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mobilenet_v3_large_space": "mobilenet_v3_large",
        "mobilenet_v3_small_space": "mobilenet_v3_small",
        "mobilenet_v2_space": "mobilenet_v2",
        "mnasnet_space": "mnasnet_a1",
    }
)
"""For each space's own name the zoo's network that it is around."""
