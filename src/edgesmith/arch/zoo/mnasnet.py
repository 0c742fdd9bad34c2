"""MnasNet-A1, B1 and small.

Paper: "MnasNet: Platform-Aware Neural Architecture Search for Mobile", figure 7, and the authors' code. A gate's
bottleneck is a share of its block's input, rounded down; the 1280 channels of the last layer are never scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edgesmith.arch.channels import check_width, make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.names import Activation, GateKind, Skip
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published, by_width

_TAIL: Final = 1280
_SQUEEZE: Final = 0.25


@dataclass(frozen=True)
class _Stage:
    """One row of the figure; ``skip`` says whether equal inputs are added."""

    repeats: int
    kernel_size: int
    stride: int
    expansion: int
    out: int
    gate: bool = False
    skip: bool = True


_A1: Final = (
    _Stage(1, 3, 1, 1, 16, skip=False),
    _Stage(2, 3, 2, 6, 24),
    _Stage(3, 5, 2, 3, 40, gate=True),
    _Stage(4, 3, 2, 6, 80),
    _Stage(2, 3, 1, 6, 112, gate=True),
    _Stage(3, 5, 2, 6, 160, gate=True),
    _Stage(1, 3, 1, 6, 320),
)
_B1: Final = (
    _Stage(1, 3, 1, 1, 16, skip=False),
    _Stage(3, 3, 2, 3, 24),
    _Stage(3, 5, 2, 3, 40),
    _Stage(3, 5, 2, 6, 80),
    _Stage(2, 3, 1, 6, 96),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320, skip=False),
)
_SMALL: Final = (
    _Stage(1, 3, 1, 1, 8),
    _Stage(1, 3, 2, 3, 16),
    _Stage(2, 3, 2, 6, 16),
    _Stage(4, 5, 2, 6, 32, gate=True),
    _Stage(3, 3, 1, 6, 32, gate=True),
    _Stage(3, 5, 2, 6, 88, gate=True),
    _Stage(1, 3, 1, 6, 144),
)


def mnasnet_a1(*, width: float = 1.0) -> NetSpec:
    """MnasNet-A1, with gates: 3.9 M parameters and 312 M multiply-adds."""
    return _build("mnasnet_a1", _A1, 32, width, Preset.TORCH)


def mnasnet_b1(*, width: float = 1.0) -> NetSpec:
    """MnasNet-B1, without gates: 4.4 M parameters and 314 M multiply-adds."""
    return _build("mnasnet_b1", _B1, 32, width, Preset.TORCH)


def mnasnet_small(*, width: float = 1.0) -> NetSpec:
    """MnasNet-small: 2.0 M parameters and 68 M multiply-adds."""
    return _build("mnasnet_small", _SMALL, 8, width, Preset.PLAIN)


def _build(name: str, stages: tuple[_Stage, ...], stem: int, width: float, preset: Preset) -> NetSpec:
    check_width(width)
    channels = make_divisible(stem * width)
    blocks: list[Block] = [Conv(out_channels=channels, kernel_size=3, stride=2, activation=Activation.RELU)]
    for stage in stages:
        out = make_divisible(stage.out * width)
        for number in range(stage.repeats):
            stride = 1 if number else stage.stride
            has_skip = stage.skip and stride == 1 and channels == out
            blocks.append(
                InvertedResidual(
                    kernel_size=stage.kernel_size,
                    expand_channels=channels if stage.expansion == 1 else make_divisible(stage.expansion * channels),
                    out_channels=out,
                    activation=Activation.RELU,
                    stride=stride,
                    gate=_gate(channels) if stage.gate else None,
                    skip=Skip.IDENTITY if has_skip else Skip.NONE,
                )
            )
            channels = out
    blocks.append(Conv(out_channels=_TAIL, activation=Activation.RELU))
    return NetSpec(name=name, family="MnasNet", blocks=tuple(blocks), head=Classifier(), preset=preset)


def _gate(channels: int) -> GateSpec:
    return GateSpec(squeeze_channels=max(1, int(channels * _SQUEEZE)), kind=GateKind.SIGMOID)


MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "mnasnet_a1": Entry(
            make=mnasnet_a1,
            published=by_width("MnasNet README", {1: 0.752, 1.4: 0.772, 0.75: 0.733, 0.5: 0.689, 0.35: 0.641}),
        ),
        "mnasnet_b1": Entry(
            make=mnasnet_b1,
            published=by_width("torchvision 0.29", {1: 0.73456, 1.3: 0.76506, 0.75: 0.7118, 0.5: 0.67734}),
        ),
        "mnasnet_small": Entry(make=mnasnet_small, published=(Published(top1=0.649, source="MobileNetV3, table 3"),)),
    }
)
