"""Blocks timed by themselves: every one, once, and told apart when other work disturbed them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.arch.cost import count
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.devices.blocks.times import BlockTime, measure_blocks, slowest
from tests.devices.blocks.fakes import EFFORTS, LawDevice, additive
from tests.devices.fakes import LOADED, QUIET

SPEC = find("mobilenet_v3_small@resolution=128")
STILL = replace(QUIET, load=0.002, round=0.002, sample=0.002)


def times(device: LawDevice, cache: Path) -> tuple[BlockTime, ...]:
    return measure_blocks("net", SPEC, device, cache=cache, processes=1, efforts=EFFORTS)


def test_blocks_and_head_have_their_milliseconds_and_shares(tmp_path: Path) -> None:
    found = times(LawDevice(noise=STILL, shift=0.0), tmp_path)
    assert [block.index for block in found] == list(range(len(SPEC.blocks) + 1))
    assert [block.kind for block in found] == [*(block.kind for block in SPEC.blocks), "classifier"]
    assert sum(block.share for block in found) == pytest.approx(1)
    assert sum(block.ms for block in found) == pytest.approx(additive(SPEC), rel=0.02)
    cost = count(SPEC).rows[4].cost
    expected = cost.madds / 60e6 + cost.elementwise / 4e6 + cost.activation_bytes / 80e6
    assert found[4].ms == pytest.approx(expected, rel=0.1)
    assert not any(block.disturbed for block in found)
    longest = max(found, key=lambda block: block.ms)
    assert slowest(found, 3)[0] == longest


def test_nothing_is_timed_twice(tmp_path: Path) -> None:
    device = LawDevice()
    first = times(device, tmp_path)
    sessions = len(device.timed)
    assert times(device, tmp_path) == first
    assert len(device.timed) == sessions > 0


def test_what_other_work_disturbed_is_told(tmp_path: Path) -> None:
    assert all(block.disturbed for block in times(LawDevice(noise=LOADED), tmp_path))


def test_int8_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="float32 files, got onnx:int8"):
        times(LawDevice(format="onnx:int8"), tmp_path)
    assert not (tmp_path / "tables").exists()
