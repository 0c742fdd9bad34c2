"""Widths follow the channel groups, and MnasNet-A1 becomes MobileNetV3-Large by the paper's moves and hand edits."""

from __future__ import annotations

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.edits.by_hand import by_hand
from edgesmith.arch.edits.widths import Width, WidthKind, widths_of, with_width
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError

NETS = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "mobilenet_v3_small_minimalistic",
    "mnasnet_a1",
    "mobilenet_v4_conv_small",
    "lraspp_mobilenet_v3_small",
    "raspp_mobilenet_v3_large",
    "ssdlite_mobilenet_v3_small",
)


def find_width(spec: NetSpec, kind: WidthKind, block: int) -> Width:
    return next(width for width in widths_of(spec) if width.kind is kind and block in width.blocks)


def test_large_has_the_papers_widths() -> None:
    """Block 1 does not widen and adds its input, so stem and first bottleneck are one width."""
    widths = widths_of(find("mobilenet_v3_large"))
    bottlenecks = [(width.blocks, width.channels) for width in widths if width.kind is WidthKind.BOTTLENECK]
    assert bottlenecks == [
        ((0, 1), 16),
        ((2, 3), 24),
        ((4, 5, 6), 40),
        ((7, 8, 9, 10), 80),
        ((11, 12), 112),
        ((13, 14, 15), 160),
    ]
    expansions = [width.channels for width in widths if width.kind is WidthKind.EXPANSION]
    assert expansions == [64, 72, 72, 120, 120, 240, 200, 184, 184, 480, 672, 672, 960, 960]
    assert find_width(find("mobilenet_v3_large"), WidthKind.BOTTLENECK, 8).name == "bottleneck of blocks 7 to 10"


def test_heads_have_widths_of_their_own() -> None:
    """A detector's maps are made of half of their channels, so they come in sixteens."""
    rows = {
        name: [(width.name, width.channels, width.unit) for width in widths_of(find(name)) if not width.blocks]
        for name in ("lraspp_mobilenet_v3_small", "ssdlite_mobilenet_v3_small", "mobilenet_v3_small")
    }
    assert rows["lraspp_mobilenet_v3_small"] == [("filters of the head", 128, 1)]
    assert rows["ssdlite_mobilenet_v3_small"] == [
        (f"extra channels {number} of the head", channels, 2)
        for number, channels in enumerate((512, 256, 256, 128), start=1)
    ]
    assert rows["mobilenet_v3_small"] == []


@pytest.mark.parametrize("name", NETS)
def test_every_width_can_shrink_by_itself(name: str) -> None:
    spec = find(name)
    widths = widths_of(spec)
    assert widths
    for width in widths:
        narrower = with_width(spec, width, width.channels - 8 * width.unit or 4)
        trace_network(narrower)
        assert count_total(narrower).madds < count_total(spec).madds
        assert [each.blocks for each in widths_of(narrower)] == [each.blocks for each in widths]


def test_a_width_is_changed_and_changed_back() -> None:
    spec = find("mobilenet_v3_small")
    for width in widths_of(spec):
        narrower = with_width(spec, width, 8)
        assert model_hash(narrower) != model_hash(spec)
        back = find_width(narrower, width.kind, width.blocks[0])
        assert (back.channels, back.blocks) == (8, width.blocks)
        assert with_width(narrower, back, width.channels) == spec


def test_gates_keep_their_share_and_unwidened_blocks_follow_their_input() -> None:
    small = find("mobilenet_v3_small")
    block = with_width(small, find_width(small, WidthKind.EXPANSION, 5), 160).blocks[5]
    assert isinstance(block, InvertedResidual)
    assert block.gate is not None
    assert (block.expand_channels, block.gate.squeeze_channels) == (160, 40)
    large = find("mobilenet_v3_large")
    narrower = with_width(large, find_width(large, WidthKind.BOTTLENECK, 1), 8)
    stem_block, first = narrower.blocks[:2]
    assert isinstance(stem_block, Conv)
    assert isinstance(first, InvertedResidual)
    assert (stem_block.out_channels, first.expand_channels, first.out_channels) == (8, 8, 8)


def test_what_cannot_be_is_refused() -> None:
    spec = find("mobilenet_v3_small")
    width = find_width(spec, WidthKind.EXPANSION, 2)
    with pytest.raises(SpecError, match="the expansion of block 2 cannot have 0 channels"):
        with_width(spec, width, 0)
    with pytest.raises(SpecError, match="it has no expansion of block 2 with 72 channels"):
        with_width(with_width(spec, width, 64), width, 56)


def test_concatenations_have_no_width_of_their_own() -> None:
    assert widths_of(find("squeezenet_1_1")) == ()


def test_large_is_reached_from_mnasnet_a1() -> None:
    """NetAdapt's moves on expansions; by hand: stem with its skip, gates, last stage, h-swish in the second half."""
    spec, goal = find("mnasnet_a1"), find("mobilenet_v3_large")
    for block, channels in ((2, 64), (3, 72), (8, 200), (9, 184), (10, 184)):
        width = find_width(spec, WidthKind.EXPANSION, block)
        assert channels < width.channels
        spec = with_width(spec, width, channels)
    reached = by_hand(spec)
    assert [i for i, (a, b) in enumerate(zip(reached.blocks, goal.blocks, strict=True)) if a != b] == []
    assert model_hash(reached) == model_hash(goal)
