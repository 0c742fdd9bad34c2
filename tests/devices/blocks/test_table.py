"""Predictions from known pieces: right, fast, and refused where a piece is not known."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DeviceError
from edgesmith.devices.blocks.calibrate import UNCALIBRATED
from edgesmith.devices.blocks.sandwich import Piece, pieces_of
from edgesmith.devices.blocks.table import BlockTable
from tests.devices.blocks.fakes import additive

EXACT = replace(UNCALIBRATED, reach=0.02)


def levels_of(pieces: Sequence[Piece]) -> dict[str, float]:
    nets = [net for piece in pieces for net in (piece.net, piece.base) if net is not None]
    return {model_hash(net): additive(net) for net in nets}


def learning(asked: list[str]) -> BlockTable:
    """A table that knows nothing and learns what it is asked for."""
    known: dict[str, float] = {}

    def learn(pieces: Sequence[Piece]) -> Mapping[str, float]:
        asked.extend(piece.key for piece in pieces)
        known.update(levels_of(pieces))
        return dict(known)

    return BlockTable({}, EXACT, learn=learn)


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v4_conv_small@resolution=160", "squeezenet_1_1"])
def test_a_prediction_is_the_sum_of_the_pieces(name: str) -> None:
    spec = find(name)
    table = BlockTable(levels_of(pieces_of(spec)), EXACT)
    predicted = table.predict(spec)
    assert predicted.ms == pytest.approx(additive(spec), rel=1e-9)
    assert (predicted.low_ms, predicted.high_ms) == pytest.approx((predicted.ms / 1.02, predicted.ms * 1.02))


def test_the_breakdown_adds_up_to_the_prediction() -> None:
    spec = find("mobilenet_v3_small")
    fit = replace(EXACT, fixed_ms=0.1, slope=1.2, ms_per_block_million=0.1, ms_per_head_million=0.03)
    table = BlockTable(levels_of(pieces_of(spec)), fit)
    rows = table.breakdown(spec)
    assert len(rows) == len(spec.blocks) + 1
    assert sum(rows) + 0.1 == pytest.approx(table.predict(spec).ms)


def test_unknown_pieces_are_learned_once_and_only_those() -> None:
    asked: list[str] = []
    table = learning(asked)
    spec = find("mobilenet_v3_small")
    assert table.predict(spec).ms == pytest.approx(additive(spec))
    assert sorted(asked) == sorted({piece.key for piece in pieces_of(spec)})
    asked.clear()
    table.predict(spec)
    assert asked == []
    table.predict(find("mobilenet_v3_small@classes=10"))
    assert len(asked) == 1


def test_several_networks_are_learned_in_one_go() -> None:
    asked: list[str] = []
    table = learning(asked)
    specs = [find("mobilenet_v3_small"), find("mobilenet_v2")]
    assert len(table.missing(specs)) == 14 + 15 - 2
    table.learn(specs)
    assert len(asked) == 14 + 15 - 2
    assert table.missing(specs) == ()


def test_a_piece_that_cannot_be_timed_is_named() -> None:
    spec = find("mobilenet_v3_small")
    block = spec.blocks[5]
    assert isinstance(block, InvertedResidual)
    other = replace(block, kernel_size=7)
    changed = replace(spec, blocks=(*spec.blocks[:5], other, replace(other, expand_channels=64), *spec.blocks[7:]))
    table = BlockTable(levels_of(pieces_of(spec)), EXACT)
    with pytest.raises(DeviceError, match=r"no inverted_residual as block on this input \(2 pieces are missing\)"):
        table.predict(changed)


def test_five_thousand_new_specs_a_second() -> None:
    """Best of four batches of distinct specs, none predicted before; the pieces are known. 10,000 are the aim."""
    base, rng = find("mobilenet_v3_large"), random.Random(0)

    def varied(block: object) -> object:
        if not isinstance(block, InvertedResidual) or block.expand_channels <= 64:
            return block
        return replace(block, expand_channels=block.expand_channels + 8 * rng.randrange(-1, 2))

    made = list({replace(base, blocks=tuple(map(varied, base.blocks))) for _ in range(8_000)})  # type: ignore[arg-type]
    assert len(made) > 7_900
    table = learning([])
    table.learn(made)
    for spec in made[:500]:
        table.predict(spec)
    speeds = []
    for begin in range(500, 6_500, 1_500):
        batch: list[NetSpec] = made[begin : begin + 1_500]
        started = time.perf_counter()
        for spec in batch:
            table.predict(spec)
        speeds.append(len(batch) / (time.perf_counter() - started))
    assert max(speeds) >= 5_000, speeds
