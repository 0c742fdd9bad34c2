"""ShuffleNet v1 with 1, 2, 3, 4 or 8 groups, at any scale, and with a stem for 32-pixel pictures.

Paper: "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", table 1; the stems of
other scales are those of the authors' release.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from edgesmith.arch.channels import check_width
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.pool import Pooling
from edgesmith.arch.kinds.shuffle_unit import ShuffleUnit
from edgesmith.arch.names import Activation, PoolKind
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published
from edgesmith.core.errors import UsageError

_STEM: Final = 24
_STAGE_2: Final = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # groups: channels; each later stage doubles them
_REPEATS: Final = (4, 8, 4)


class Stem(StrEnum):
    """Whose pictures the stem is for: 224 pixels, quartered at once, or 32 pixels, kept whole."""

    IMAGENET = "imagenet"
    CIFAR = "cifar"


def shufflenet_v1(*, groups: int = 3, width: float = 1.0, stem: Stem = Stem.IMAGENET) -> NetSpec:
    """ShuffleNet v1; with three groups, 1.9 M parameters and 138 M multiply-adds.

    Raises:
        UsageError: No network with so many groups is published.
    """
    check_width(width)
    if groups not in _STAGE_2:
        raise UsageError(f"groups must be one of {', '.join(map(str, _STAGE_2))}, got {groups}")
    blocks = _stem(stem, _stem_channels(width, groups))
    for stage, repeats in enumerate(_REPEATS):
        out = _stage_channels(_STAGE_2[groups] * width * 2**stage, groups)
        blocks.append(ShuffleUnit(out_channels=out, groups=groups, stride=2, first_groups=None if stage else 1))
        blocks += [ShuffleUnit(out_channels=out, groups=groups)] * (repeats - 1)
    side = 32 if stem is Stem.CIFAR else 224
    return NetSpec(
        name="shufflenet_v1",
        family="ShuffleNet",
        blocks=tuple(blocks),
        head=Classifier(),
        resolution=(side, side),
        num_classes=10 if stem is Stem.CIFAR else 1000,
        preset=Preset.PLAIN,
    )


def _stem(stem: Stem, channels: int) -> list[Block]:
    if stem is Stem.CIFAR:
        return [Conv(out_channels=channels, kernel_size=3, activation=Activation.RELU)]
    return [
        Conv(out_channels=channels, kernel_size=3, stride=2, activation=Activation.RELU),
        Pooling(reduce=PoolKind.MAX, kernel_size=3, pad=1),
    ]


def _stem_channels(width: float, groups: int) -> int:
    """24, twice that from scale 2 on; narrower nets scale it, up to a multiple of the groups."""
    if width >= 1:
        return _STEM * (2 if width >= 2 else 1)
    return groups * math.ceil(_STEM * width / groups)


def _stage_channels(wanted: float, groups: int) -> int:
    """The nearest width whose quarter divides into the groups."""
    step = 4 * groups
    return max(step, step * round(wanted / step))


def _figures() -> tuple[Published, ...]:
    errors = {  # scale: error in per cent by groups
        1.0: {3: 32.6, 1: 33.6, 2: 32.7, 4: 32.8, 8: 32.4},
        0.5: {3: 43.2, 1: 45.1, 2: 44.4, 4: 41.6, 8: 42.3},
        0.25: {3: 55.0, 1: 57.1, 2: 56.8, 4: 54.2, 8: 52.7},
        1.5: {3: 28.5},
        2.0: {3: 26.3},
    }
    rows = []
    for width, by_groups in errors.items():
        for groups, error in by_groups.items():
            options = [f"groups={groups}"] * (groups != 3) + [f"width={width:g}"] * (width != 1)
            top1 = round(1 - error / 100, 4)
            rows.append(Published(options=",".join(options), top1=top1, source="ShuffleNet, tables 2, 3 and 5"))
    for groups in _STAGE_2:
        options = [f"groups={groups}"] * (groups != 3) + ["stem=cifar"]
        rows.append(Published(options=",".join(options), top1=None, source="", data=""))
    return tuple(rows)


MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {"shufflenet_v1": Entry(make=shufflenet_v1, published=_figures())}
)
