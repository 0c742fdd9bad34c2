"""MobileNetV4-Conv small, medium and large.

Paper: "MobileNetV4: Universal Models for the Mobile Ecosystem", tables 11 to 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.channels import check_width, make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.fused import FusedBottleneck
from edgesmith.arch.kinds.universal import UniversalBottleneck
from edgesmith.arch.names import Activation, Skip
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published

_TAIL: Final = 960
_FEATURES: Final = 1280
_RELU: Final = Activation.RELU

# A row is the kernel before the widening, the kernel after it, stride, expansion, output channels; 0 is no filter.
_Row = tuple[int, int, int, int, int]

_SMALL: Final[tuple[_Row, ...]] = (
    (5, 5, 2, 3, 96), *((0, 3, 1, 2, 96),) * 4, (3, 0, 1, 4, 96),
    (3, 3, 2, 6, 128), (5, 5, 1, 4, 128), (0, 5, 1, 4, 128), (0, 5, 1, 3, 128), *((0, 3, 1, 4, 128),) * 2,
)  # fmt: skip
_MEDIUM: Final[tuple[_Row, ...]] = (
    (3, 5, 2, 4, 80), (3, 3, 1, 2, 80),
    (3, 5, 2, 6, 160), *((3, 3, 1, 4, 160),) * 2, (3, 5, 1, 4, 160), (3, 3, 1, 4, 160), (3, 0, 1, 4, 160),
    (0, 0, 1, 2, 160), (3, 0, 1, 4, 160),
    (5, 5, 2, 6, 256), (5, 5, 1, 4, 256), *((3, 5, 1, 4, 256),) * 2, (0, 0, 1, 4, 256), (3, 0, 1, 4, 256),
    (3, 5, 1, 2, 256), (5, 5, 1, 4, 256), *((0, 0, 1, 4, 256),) * 2, (5, 0, 1, 2, 256),
)  # fmt: skip
_LARGE: Final[tuple[_Row, ...]] = (
    (3, 5, 2, 4, 96), (3, 3, 1, 4, 96),
    (3, 5, 2, 4, 192), *((3, 3, 1, 4, 192),) * 3, (3, 5, 1, 4, 192), *((5, 3, 1, 4, 192),) * 5, (3, 0, 1, 4, 192),
    (5, 5, 2, 4, 512), *((5, 5, 1, 4, 512),) * 3, (5, 0, 1, 4, 512), (5, 3, 1, 4, 512), *((5, 0, 1, 4, 512),) * 2,
    (5, 3, 1, 4, 512), (5, 5, 1, 4, 512), *((5, 0, 1, 4, 512),) * 3,
)  # fmt: skip


def mobilenet_v4_conv_small(*, width: float = 1.0) -> NetSpec:
    """MobileNetV4-Conv-Small: 3.8 M parameters."""
    check_width(width)
    stem = _stem_channels(32, width)
    narrow = make_divisible(32 * width)
    early: tuple[Block, ...] = (
        Conv(out_channels=stem, kernel_size=3, stride=2, activation=_RELU),
        Conv(out_channels=narrow, kernel_size=3, stride=2, activation=_RELU),
        Conv(out_channels=narrow, activation=_RELU),
        Conv(out_channels=make_divisible(96 * width), kernel_size=3, stride=2, activation=_RELU),
        Conv(out_channels=make_divisible(64 * width), activation=_RELU),
    )
    return _build("mobilenet_v4_conv_small", early, make_divisible(64 * width), _SMALL, width, resolution=224)


def mobilenet_v4_conv_medium(*, width: float = 1.0) -> NetSpec:
    """MobileNetV4-Conv-Medium: 9.7 M parameters."""
    check_width(width)
    return _build("mobilenet_v4_conv_medium", *_fused_start(32, width), _MEDIUM, width, resolution=256)


def mobilenet_v4_conv_large(*, width: float = 1.0) -> NetSpec:
    """MobileNetV4-Conv-Large: 32.6 M parameters."""
    check_width(width)
    return _build("mobilenet_v4_conv_large", *_fused_start(24, width), _LARGE, width, resolution=384)


def _fused_start(base: int, width: float) -> tuple[tuple[Block, ...], int]:
    """Stem and fused bottleneck, and how many channels they make."""
    stem, out = _stem_channels(base, width), make_divisible(48 * width)
    fused = FusedBottleneck(
        kernel_size=3, expand_channels=make_divisible(4 * stem), out_channels=out, activation=_RELU, stride=2
    )
    return (Conv(out_channels=stem, kernel_size=3, stride=2, activation=_RELU), fused), out


def _stem_channels(base: int, width: float) -> int:
    """Narrower nets keep the stem, as in timm."""
    return base if width < 1 else make_divisible(base * width)


def _build(
    name: str, early: tuple[Block, ...], channels: int, rows: tuple[_Row, ...], width: float, *, resolution: int
) -> NetSpec:
    blocks = list(early)
    for start, middle, stride, expansion, base in rows:
        out = make_divisible(base * width)
        blocks.append(
            UniversalBottleneck(
                start_kernel=start,
                middle_kernel=middle,
                expand_channels=make_divisible(expansion * channels),
                out_channels=out,
                activation=_RELU,
                stride=stride,
                skip=Skip.IDENTITY if stride == 1 and channels == out else Skip.NONE,
            )
        )
        channels = out
    blocks.append(Conv(out_channels=make_divisible(_TAIL * width), activation=_RELU))
    return NetSpec(
        name=name,
        family="MobileNetV4",
        blocks=tuple(blocks),
        head=Classifier(feature_channels=_FEATURES, activation=_RELU, feature_norm=True),
        resolution=(resolution, resolution),
        preset=Preset.TIMM,
    )


_PAPER = "MobileNetV4, table 5"

MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "mobilenet_v4_conv_small": Entry(
            make=mobilenet_v4_conv_small, published=(Published(top1=0.738, source=_PAPER),)
        ),
        "mobilenet_v4_conv_medium": Entry(
            make=mobilenet_v4_conv_medium, published=(Published(top1=0.799, source=_PAPER),)
        ),
        "mobilenet_v4_conv_large": Entry(
            make=mobilenet_v4_conv_large, published=(Published(top1=0.829, source=_PAPER),)
        ),
    }
)
