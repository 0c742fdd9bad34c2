"""MobileNetV3 Large and Small, and TensorFlow's minimalistic variants, at any width under four code bases' rules.

Paper: "Searching for MobileNetV3", tables 1 and 2. Small's feature layer has 1024 channels and its tail no gate,
as in every released checkpoint; the paper's table prints 1280 and a gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edgesmith.arch.channels import HeadRule, WidthRule, check_width, make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.names import Activation, Skip
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published, by_width

_STEM = 16


@dataclass(frozen=True)
class _Row:
    """One line of the paper's table: kernel, expansion width, output width, gate, h-swish or ReLU, stride."""

    kernel_size: int
    expand: int
    out: int
    gate: bool
    swish: bool
    stride: int


_LARGE: Final = (
    _Row(3, 16, 16, gate=False, swish=False, stride=1),
    _Row(3, 64, 24, gate=False, swish=False, stride=2),
    _Row(3, 72, 24, gate=False, swish=False, stride=1),
    _Row(5, 72, 40, gate=True, swish=False, stride=2),
    _Row(5, 120, 40, gate=True, swish=False, stride=1),
    _Row(5, 120, 40, gate=True, swish=False, stride=1),
    _Row(3, 240, 80, gate=False, swish=True, stride=2),
    _Row(3, 200, 80, gate=False, swish=True, stride=1),
    _Row(3, 184, 80, gate=False, swish=True, stride=1),
    _Row(3, 184, 80, gate=False, swish=True, stride=1),
    _Row(3, 480, 112, gate=True, swish=True, stride=1),
    _Row(3, 672, 112, gate=True, swish=True, stride=1),
    _Row(5, 672, 160, gate=True, swish=True, stride=2),
    _Row(5, 960, 160, gate=True, swish=True, stride=1),
    _Row(5, 960, 160, gate=True, swish=True, stride=1),
)

_SMALL: Final = (
    _Row(3, 16, 16, gate=True, swish=False, stride=2),
    _Row(3, 72, 24, gate=False, swish=False, stride=2),
    _Row(3, 88, 24, gate=False, swish=False, stride=1),
    _Row(5, 96, 40, gate=True, swish=True, stride=2),
    _Row(5, 240, 40, gate=True, swish=True, stride=1),
    _Row(5, 240, 40, gate=True, swish=True, stride=1),
    _Row(5, 120, 48, gate=True, swish=True, stride=1),
    _Row(5, 144, 48, gate=True, swish=True, stride=1),
    _Row(5, 288, 96, gate=True, swish=True, stride=2),
    _Row(5, 576, 96, gate=True, swish=True, stride=1),
    _Row(5, 576, 96, gate=True, swish=True, stride=1),
)


def mobilenet_v3_large(
    *, width: float = 1.0, rule: WidthRule = WidthRule.TENSORFLOW, head: HeadRule = HeadRule.RULE
) -> NetSpec:
    """MobileNetV3-Large (5.4 M parameters and 219 M multiply-adds in the paper)."""
    return _build("mobilenet_v3_large", _LARGE, tail=960, feature=1280, width=width, rule=rule, head=head)


def mobilenet_v3_small(
    *, width: float = 1.0, rule: WidthRule = WidthRule.TENSORFLOW, head: HeadRule = HeadRule.RULE
) -> NetSpec:
    """MobileNetV3-Small as released: 2.5 M parameters and 57 M multiply-adds."""
    return _build("mobilenet_v3_small", _SMALL, tail=576, feature=1024, width=width, rule=rule, head=head)


def mobilenet_v3_large_minimalistic(
    *, width: float = 1.0, rule: WidthRule = WidthRule.TENSORFLOW, head: HeadRule = HeadRule.RULE
) -> NetSpec:
    """Large with 3x3 filters, ReLU and no gates: for accelerators that lack the rest."""
    rows = tuple(_minimalistic(row) for row in _LARGE)
    return _build("mobilenet_v3_large_minimalistic", rows, tail=960, feature=1280, width=width, rule=rule, head=head)


def mobilenet_v3_small_minimalistic(
    *, width: float = 1.0, rule: WidthRule = WidthRule.TENSORFLOW, head: HeadRule = HeadRule.RULE
) -> NetSpec:
    """Small with 3x3 filters, ReLU and no gates: for accelerators that lack the rest."""
    rows = tuple(_minimalistic(row) for row in _SMALL)
    return _build("mobilenet_v3_small_minimalistic", rows, tail=576, feature=1024, width=width, rule=rule, head=head)


def _minimalistic(row: _Row) -> _Row:
    return _Row(3, row.expand, row.out, gate=False, swish=False, stride=row.stride)


def _build(
    name: str, rows: tuple[_Row, ...], *, tail: int, feature: int, width: float, rule: WidthRule, head: HeadRule
) -> NetSpec:
    check_width(width)
    outer = Activation.HARD_SWISH if any(row.swish for row in rows) else Activation.RELU
    blocks: list[Block] = [Conv(out_channels=_stem_channels(width, rule), kernel_size=3, stride=2, activation=outer)]
    channels, base = _stem_channels(width, rule), _STEM
    for row in rows:
        out = make_divisible(row.out * width)
        blocks.append(_block(row, channels, out, expand=_expand_channels(row, channels, base, width, rule)))
        channels, base = out, row.out
    blocks.append(Conv(out_channels=_tail_channels(tail, channels, width, rule), activation=outer))
    features = _feature_channels(feature, width, rule, head)
    return NetSpec(
        name=name if width == 1 else f"{name}@width={width:g}",
        family="MobileNetV3",
        blocks=tuple(blocks),
        head=Classifier(feature_channels=features, activation=outer),
    )


def _block(row: _Row, channels: int, out: int, *, expand: int) -> InvertedResidual:
    return InvertedResidual(
        kernel_size=row.kernel_size,
        expand_channels=expand,
        out_channels=out,
        activation=Activation.HARD_SWISH if row.swish else Activation.RELU,
        stride=row.stride,
        gate=GateSpec(squeeze_channels=make_divisible(expand / 4)) if row.gate else None,
        skip=Skip.IDENTITY if row.stride == 1 and channels == out else Skip.NONE,
    )


def _stem_channels(width: float, rule: WidthRule) -> int:
    fixed = rule is WidthRule.KERAS or (rule is WidthRule.TIMM and width < 0.75)
    return _STEM if fixed else make_divisible(_STEM * width)


def _expand_channels(row: _Row, channels: int, base: int, width: float, rule: WidthRule) -> int:
    """Torchvision scales the expansion itself; the others widen the scaled input by the table's factor."""
    return make_divisible(row.expand * width if rule is WidthRule.TORCHVISION else channels * row.expand / base)


def _tail_channels(tail: int, channels: int, width: float, rule: WidthRule) -> int:
    six_wide = rule in (WidthRule.TORCHVISION, WidthRule.KERAS)
    return make_divisible(6 * channels if six_wide else tail * width)


def _feature_channels(feature: int, width: float, rule: WidthRule, head: HeadRule) -> int:
    """TensorFlow's released checkpoints and timm keep the layer; torchvision scales it; Keras only widens it."""
    scaled = head is HeadRule.SCALED or (
        head is HeadRule.RULE and (rule is WidthRule.TORCHVISION or (rule is WidthRule.KERAS and width > 1))
    )
    return make_divisible(feature * width) if scaled else feature


_TABLE, _README = "MobileNetV3, table 3", "TensorFlow slim README"

MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "mobilenet_v3_large": Entry(make=mobilenet_v3_large, published=by_width(_TABLE, {1: 0.752, 0.75: 0.733})),
        "mobilenet_v3_small": Entry(make=mobilenet_v3_small, published=by_width(_TABLE, {1: 0.674, 0.75: 0.654})),
        "mobilenet_v3_large_minimalistic": Entry(
            make=mobilenet_v3_large_minimalistic, published=(Published(top1=0.723, source=_README),)
        ),
        "mobilenet_v3_small_minimalistic": Entry(
            make=mobilenet_v3_small_minimalistic, published=(Published(top1=0.619, source=_README),)
        ),
    }
)
