"""MobileNetV2 at any width.

Paper: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2. Widths below 1 keep the 1280 channels of the
last layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.channels import check_width, make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation, Skip
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published, by_width

_STEM: Final = 32
_TAIL: Final = 1280
_STAGES: Final = (  # expansion, output channels, repeats, first stride
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


def mobilenet_v2(*, width: float = 1.0) -> NetSpec:
    """MobileNetV2: 3.5 M parameters and 301 M multiply-adds."""
    check_width(width)
    channels = make_divisible(_STEM * width)
    blocks: list[Block] = [Conv(out_channels=channels, kernel_size=3, stride=2, activation=Activation.RELU6)]
    for expansion, base, repeats, first_stride in _STAGES:
        out = make_divisible(base * width)
        for number in range(repeats):
            stride = 1 if number else first_stride
            blocks.append(
                InvertedResidual(
                    kernel_size=3,
                    expand_channels=expansion * channels,
                    out_channels=out,
                    activation=Activation.RELU6,
                    stride=stride,
                    skip=Skip.IDENTITY if stride == 1 and channels == out else Skip.NONE,
                )
            )
            channels = out
    blocks.append(Conv(out_channels=make_divisible(_TAIL * max(1.0, width)), activation=Activation.RELU6))
    return NetSpec(
        name="mobilenet_v2", family="MobileNetV2", blocks=tuple(blocks), head=Classifier(), preset=Preset.TORCH
    )


_README = "TensorFlow slim README"
_TOP1: Final = {  # width: top-1 at 224, 192, 160, 128 and 96 pixels
    1.0: (0.718, 0.707, 0.688, 0.653, 0.603),
    0.75: (0.698, 0.687, 0.664, 0.632, 0.588),
    0.5: (0.654, 0.639, 0.610, 0.577, 0.512),
    0.35: (0.603, 0.582, 0.557, 0.508, 0.455),
}


def _smaller_pictures() -> tuple[Published, ...]:
    return tuple(
        Published(
            options=("" if width == 1 else f"width={width:g},") + f"resolution={resolution}",
            top1=top1,
            source=_README,
        )
        for width, figures in _TOP1.items()
        for resolution, top1 in zip((192, 160, 128, 96), figures[1:], strict=True)
    )


MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "mobilenet_v2": Entry(
            make=mobilenet_v2,
            published=(
                *by_width(_README, {width: figures[0] for width, figures in _TOP1.items()} | {1.3: 0.744, 1.4: 0.75}),
                *_smaller_pictures(),
            ),
        )
    }
)
