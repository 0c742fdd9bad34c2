from __future__ import annotations

import pytest

from edgesmith.arch.edits.width import scale_width
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.network import trace_network
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v2", "mobilenet_v1", "mobilenet_v4_conv_medium"])
@pytest.mark.parametrize("width", [0.35, 0.5, 0.75, 1.25])
def test_every_width_is_a_multiple_of_8_and_the_net_is_legal(name: str, width: float) -> None:
    spec = scale_width(find(name), width)
    trace_network(spec)
    for block in spec.blocks:
        assert getattr(block, "out_channels", 8) % 8 == 0
        assert getattr(block, "expand_channels", 8) % 8 == 0
    assert spec.name == f"{name}@width={width:g}"


def test_widths_by_hand() -> None:
    """Half of V3-Small's stem, of its block 4 (96 -> 40, gate 24) and of its features."""
    spec = scale_width(find("mobilenet_v3_small"), 0.5)
    stem, block = spec.blocks[0], spec.blocks[4]
    assert isinstance(stem, Conv)
    assert isinstance(block, InvertedResidual)
    assert block.gate is not None
    assert (stem.out_channels, block.expand_channels, block.out_channels) == (8, 48, 24)
    assert block.gate.squeeze_channels == 16


def test_one_is_the_net_itself() -> None:
    assert scale_width(find("mobilenet_v2"), 1.0).blocks == find("mobilenet_v2").blocks


def test_tied_widths_are_refused() -> None:
    with pytest.raises(SpecError, match="shufflenet_v1: block 1, a pool, cannot be scaled in width"):
        scale_width(find("shufflenet_v1"), 0.5)
