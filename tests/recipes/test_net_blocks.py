"""Networks as reports draw them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edgesmith.arch.cost import count
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DeviceError
from edgesmith.recipes import net_blocks
from edgesmith.recipes.net_blocks import list_blocks, tell_networks

SMALL, LARGE = find("mobilenet_v3_small"), find("mobilenet_v3_large")


class Table:
    """A block table that knows one network, and fails a test that makes it time another."""

    def __init__(self, known: NetSpec) -> None:
        self._known = known

    def missing(self, specs: Sequence[NetSpec]) -> tuple[str, ...]:
        return tuple("a piece" for spec in specs if spec != self._known)

    def breakdown(self, spec: NetSpec) -> tuple[float, ...]:
        assert spec == self._known, "nothing is timed for a report"
        return tuple(float(index) for index in range(len(spec.blocks) + 1))


def test_blocks_have_the_costs_that_are_counted() -> None:
    rows = count(SMALL).rows
    blocks = list_blocks(SMALL, None)
    assert [(each.index, each.kind, each.out_shape, each.madds) for each in blocks] == [
        (row.index, row.kind, row.out_shape, row.cost.madds) for row in rows
    ]
    assert sum(each.madds for each in blocks) == 56_510_400
    assert {each.ms for each in blocks} == {None}
    assert "gated" in blocks[1].detail
    assert blocks[-1].detail == ""


def test_milliseconds_are_those_that_a_table_knows_without_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_blocks, "_table_of", lambda name: Table(SMALL) if name == "litert" else None)
    known, unknown = tell_networks([("small", SMALL), ("large", LARGE)], "litert")
    body = len(SMALL.blocks)
    assert [each.ms for each in known.blocks[:body]] == [float(index) for index in range(body)]
    assert {each.ms for each in (*known.blocks[body:], *unknown.blocks)} == {None}


def test_a_name_is_told_once_and_the_first_counts() -> None:
    told = tell_networks([("a", SMALL), ("b", SMALL), ("a", LARGE)], "onnxruntime")
    assert [each.name for each in told] == ["a", "b"]
    assert told[0].blocks == told[1].blocks


def test_a_table_that_cannot_tell_leaves_milliseconds_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(Table):
        def breakdown(self, spec: NetSpec) -> tuple[float, ...]:
            raise DeviceError("no such piece")

    monkeypatch.setattr(net_blocks, "_table_of", lambda name: Refusing(SMALL))
    assert {each.ms for each in list_blocks(SMALL, "onnxruntime")} == {None}


@pytest.mark.parametrize("device", ["browser:nobody", "no device", "onnxruntime,litert"])
def test_devices_that_are_not_there_have_no_table(device: str) -> None:
    assert {each.ms for each in list_blocks(SMALL, device)} == {None}
