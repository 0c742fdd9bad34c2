"""Random legal specs for property tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.names import Activation, GateKind, Padding, Skip
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec

ACTIVATIONS = st.sampled_from([Activation.RELU, Activation.RELU6, Activation.HARD_SWISH])
WIDTHS = st.integers(1, 6).map(lambda n: 8 * n)


def golden() -> dict[str, Any]:
    """The published counts of tests/golden/models.json."""
    data: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "models.json").read_text())
    return data


@st.composite
def residuals(draw: st.DrawFn, in_channels: int) -> InvertedResidual:
    """A legal inverted residual on ``in_channels``."""
    stride = draw(st.sampled_from([1, 1, 2]))
    has_skip = stride == 1 and draw(st.booleans())
    return InvertedResidual(
        kernel_size=draw(st.sampled_from([3, 5, 7])),
        expand_channels=draw(st.one_of(st.just(in_channels), WIDTHS)),
        out_channels=in_channels if has_skip else draw(WIDTHS),
        activation=draw(ACTIVATIONS),
        stride=stride,
        gate=draw(st.none() | st.builds(GateSpec, squeeze_channels=WIDTHS, kind=st.sampled_from(GateKind))),
        skip=Skip.IDENTITY if has_skip else Skip.NONE,
        dilation=draw(st.sampled_from([1, 1, 2])),
    )


@st.composite
def specs(draw: st.DrawFn) -> NetSpec:
    """A stem, up to four inverted residuals, a tail and a classifier at any input size."""
    channels = draw(WIDTHS)
    blocks: list[Block] = [Conv(out_channels=channels, kernel_size=3, stride=2, activation=draw(ACTIVATIONS))]
    for _ in range(draw(st.integers(0, 4))):
        block = draw(residuals(channels))
        blocks.append(block)
        channels = block.out_channels
    blocks.append(Conv(out_channels=draw(WIDTHS), activation=draw(ACTIVATIONS), norm=draw(st.booleans())))
    return NetSpec(
        name=draw(st.text(max_size=8)),
        family="random",
        blocks=tuple(blocks),
        head=Classifier(feature_channels=draw(st.just(0) | WIDTHS), activation=draw(ACTIVATIONS)),
        resolution=(draw(st.integers(8, 40)), draw(st.integers(8, 40))),
        num_classes=draw(st.integers(1, 30)),
        padding=draw(st.sampled_from([Padding.SYMMETRIC, Padding.SAME])),
        preset=draw(st.sampled_from(Preset)),
    )
