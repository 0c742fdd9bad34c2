"""A few real blocks in ONNX Runtime: what they add up to is near what the net takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.arch.spec import model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.devices.blocks.bench import DEFAULT as USUAL
from edgesmith.devices.blocks.bench import Bench, Efforts
from edgesmith.devices.blocks.files import FileCache, maker_for
from edgesmith.devices.blocks.sandwich import pieces_of
from edgesmith.devices.blocks.store import Purpose, Store
from edgesmith.devices.table import get_device

FEW = Efforts(
    pieces=replace(USUAL.pieces, enough=4, most=5),
    nets=replace(USUAL.nets, enough=3, most=4),
)


@pytest.mark.slow
def test_three_blocks_add_up(tmp_path: Path) -> None:
    large = find("mobilenet_v3_large@resolution=128")
    spec = replace(large, blocks=large.blocks[:4], num_classes=10)
    pieces = pieces_of(spec)
    store = Store(tmp_path / "blocks.sqlite", setting={})
    bench = Bench(get_device("onnxruntime"), FileCache(tmp_path, maker_for("onnx"), processes=1), store, efforts=FEW)
    small = [net for piece in pieces for net in (piece.net, piece.base) if net is not None]
    bench.make_files([*small, spec])
    levels = {key: level.ms for key, level in bench.time(Purpose.PIECES, small).items()}
    nets = {key: level.ms for key, level in bench.time(Purpose.NETS, [spec]).items()}
    costs = [levels[piece.key] - (levels[model_hash(piece.base)] if piece.base else 0.0) for piece in pieces]
    assert min(costs) > 0
    assert costs[2] > costs[3] / 2  # the widening block at the large size, and the narrower behind it
    assert 0.7 < sum(costs) / nets[model_hash(spec)] < 1.6
