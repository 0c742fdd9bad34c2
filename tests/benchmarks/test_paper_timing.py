"""A session's row: each network over the one that it stands against, plan by plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from paper.files import Made
from paper.groups import Entry
from paper.nets import FLOAT_PLAN, GROUPS, SWISH_FLOAT, WHOLE
from paper.published import LARGE, SMALL, V2, V2_SMALL
from paper.timing import time_entries

from edgesmith.devices.plan import Plan
from tests.devices.fakes import FakeDevice

TABLE_3 = {entry.name: entry for entry in GROUPS["table3"].entries}
TABLE_4 = GROUPS["table4"].entries


def made(**ms: float) -> Made:
    """Files whose names say how long they take."""
    plans = {name.replace("_", " ").replace("hard ", "hard-"): value for name, value in ms.items()}
    return Made(
        paths={plan: Path(f"{value}.onnx") for plan, value in plans.items()},
        outside={plan: {"HARD_SWISH": 3} if plan == WHOLE and len(plans) > 1 else {} for plan in plans},
    )


def timed(entries: tuple[Entry, ...], files: dict[str, Made], *, kind: str = "onnx") -> dict[str, Any]:
    device = FakeDevice(format=kind)
    row = time_entries(entries, files, device, plan=Plan(min_loads=3, enough_loads=8, max_loads=8))
    found: dict[str, Any] = json.loads(json.dumps(row))
    return found


def ratios(row: dict[str, Any], plan: str) -> dict[str, tuple[float, float, float]]:
    return {each["name"]: (each["low"], each["ratio"], each["high"]) for each in row["ratios"] if each["plan"] == plan}


def test_ratios_are_over_the_other_network_whichever_comes_first() -> None:
    for names in ((LARGE, V2), (V2, LARGE)):
        entries = tuple(TABLE_3[name] for name in names)
        row = timed(entries, {LARGE: made(float=4.0), V2: made(float=5.0)})
        low, ratio, high = ratios(row, FLOAT_PLAN)[LARGE]
        assert ratio == pytest.approx(0.8, rel=0.03)
        assert low < ratio < high
        assert ratios(row, FLOAT_PLAN)[V2] == (1.0, 1.0, 1.0)


def test_a_row_tells_what_each_network_costs() -> None:
    row = timed((TABLE_3[V2],), {V2: made(float=5.0)})
    (net,) = row["nets"]
    assert (net["name"], net["plan"], net["parameters"], net["madds"]) == (V2, FLOAT_PLAN, 3_504_872, 300_774_272)
    assert net["low_ms"] < net["ms"] < net["high_ms"]
    assert net["ms"] == pytest.approx(5.0, rel=0.05)


def test_a_plan_compares_with_the_file_that_it_does_not_change() -> None:
    files = {
        LARGE: made(all_int8=12.0, hard_swish_in_float=4.0),
        V2: made(all_int8=8.0),
        SMALL: made(all_int8=3.0, hard_swish_in_float=1.0),
        V2_SMALL: made(all_int8=2.0),
    }
    row = timed(TABLE_4, files, kind="onnx:int8")
    assert len(row["nets"]) == 6
    assert ratios(row, WHOLE)[LARGE][1] == pytest.approx(1.5, rel=0.03)
    assert ratios(row, SWISH_FLOAT)[LARGE][1] == pytest.approx(0.5, rel=0.03)
    assert ratios(row, SWISH_FLOAT)[V2][1] == 1.0
    outside = {(net["name"], net["plan"]): net["outside"] for net in row["nets"]}
    assert outside[SMALL, WHOLE] == {"HARD_SWISH": 3}
    assert outside[SMALL, SWISH_FLOAT] == outside[V2, WHOLE] == {}


def test_int8_files_are_compared_with_the_float_files_that_are_timed_along() -> None:
    files = {entry.name: made(float=4.0, all_int8=2.0) for entry in TABLE_4}
    files[LARGE] = made(float=4.0, all_int8=8.0, hard_swish_in_float=3.0)
    row = timed(TABLE_4, files, kind="onnx:int8")
    found = {(each["name"], each["plan"]): each["ratio"] for each in row["over_float"]}
    assert found[LARGE, WHOLE] == pytest.approx(2.0, rel=0.03)
    assert found[LARGE, SWISH_FLOAT] == pytest.approx(0.75, rel=0.03)
    assert found[V2, WHOLE] == pytest.approx(0.5, rel=0.03)
    assert len(found) == 5
    assert {each["plan"] for each in row["ratios"]} == {WHOLE, SWISH_FLOAT}


def test_one_plan_where_no_file_has_another() -> None:
    row = timed(TABLE_4, {entry.name: made(all_int8=2.0) for entry in TABLE_4}, kind="onnx:int8")
    assert {each["plan"] for each in row["ratios"]} == {WHOLE}
    assert row["over_float"] == []
