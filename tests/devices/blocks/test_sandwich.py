"""Pieces add up to their network, and each is known by what it is and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from edgesmith.arch.cost import count
from edgesmith.arch.heads.base import Tap
from edgesmith.arch.names import Activation, Padding, Point
from edgesmith.arch.network import trace_network
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value
from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.errors import SpecError
from edgesmith.devices.blocks.sandwich import Piece, Role, block_piece, head_piece, pieces_of
from tests.devices.blocks.fakes import additive


@dataclass(frozen=True, kw_only=True)
class TwoTaps:
    """A head that reads two places, as detectors do."""

    kind: ClassVar[str] = "two_taps"
    taps: tuple[Tap, ...] = (Tap(block=6, point=Point.EXPAND), Tap(block=-1))
    preset: ClassVar[Preset | None] = None
    task: ClassVar[str] = "classification"
    widths: ClassVar[Mapping[str, int]] = {}

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        return tuple(
            t.conv(tap, num_classes, name=f"answer{index}", activation=Activation.NONE)
            for index, tap in enumerate(taps)
        )


def sandwich_ms(piece: Piece) -> float:
    return additive(piece.net) - (additive(piece.base) if piece.base is not None else 0.0)


@pytest.mark.parametrize("name", MODELS)
def test_pieces_of_every_zoo_net_add_up_to_it(name: str) -> None:
    spec = find(name)
    pieces = pieces_of(spec)
    assert [piece.role for piece in pieces] == [Role.STEM, *[Role.BLOCK] * (len(spec.blocks) - 1), Role.HEAD]
    assert sum(map(sandwich_ms, pieces)) == pytest.approx(additive(spec), rel=1e-9)


def test_a_piece_is_its_block_behind_a_convolution_that_makes_its_input() -> None:
    spec = find("mobilenet_v3_small")
    piece = pieces_of(spec)[5]
    assert piece.net.blocks[1] == spec.blocks[5]
    assert count(piece.net).rows[1].in_shape == count(spec).rows[5].in_shape == (40, 14, 14)
    assert piece.base is not None
    assert piece.base.blocks == piece.net.blocks[:1]


def test_equal_blocks_on_equal_inputs_are_one_piece_whatever_the_net() -> None:
    keys = [piece.key for piece in pieces_of(find("mobilenet_v2"))]
    assert len(set(keys)) == 15
    block = find("mobilenet_v2").blocks[3]
    shape = (24, 56, 56)
    assert block_piece(block, shape, Padding.SYMMETRIC).key in keys
    assert block_piece(block, (24, 28, 28), Padding.SYMMETRIC).key not in keys
    assert block_piece(block, shape, Padding.SAME).key not in keys


def test_norm_constants_make_no_other_piece() -> None:
    a, b = find("mobilenet_v3_small"), find("mobilenet_v3_small@preset=paper")
    assert [piece.key for piece in pieces_of(a)] == [piece.key for piece in pieces_of(b)]


def test_a_head_with_several_taps_reads_a_row_of_convolutions() -> None:
    spec: NetSpec = replace(find("mobilenet_v3_small"), head=TwoTaps(), num_classes=5)
    piece = pieces_of(spec)[-1]
    shapes = [(value.channels, value.height, value.width) for value in trace_network(piece.net).head.inputs]
    assert shapes == [(240, 14, 14), (576, 7, 7)]
    assert sum(map(sandwich_ms, pieces_of(spec))) == pytest.approx(additive(spec), rel=1e-9)


def test_taps_that_no_stride_leads_to_are_refused() -> None:
    with pytest.raises(SpecError, match="two_taps cannot be measured by itself"):
        head_piece(TwoTaps(), ((8, 14, 14), (8, 9, 14)), 5, Padding.SYMMETRIC)
