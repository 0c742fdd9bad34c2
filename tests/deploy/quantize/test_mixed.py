"""The search for a plan, on a device whose laws are written here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import ExportError
from edgesmith.deploy.base import Converted
from edgesmith.deploy.quantize import write
from edgesmith.deploy.quantize.base import Calibration, Kind, QuantPlan, Source
from edgesmith.deploy.quantize.mixed import Search, find_plan
from edgesmith.deploy.quantize.write import Opened

FLOAT_MS, FLOAT_ERROR = 10.0, 1.0
PARTS = ("blocks.0", "blocks.1", "blocks.2", "head")


class Laws(Source):
    """Writes a plan down, so that its file can be timed and scored by rule."""

    def __init__(self, refused: Sequence[str] = ()) -> None:
        self.plans: dict[str, QuantPlan] = {}
        self._refused = set(refused)

    def write(self, path: Path, plan: QuantPlan) -> Converted:
        if self._refused & set(plan.float_parts):
            raise ExportError("this tool cannot")
        self.plans[path.name] = plan
        path.write_text(plan.describe())
        return Converted(operators={}, outside={"HARD_SWISH": 2}, precision="int8")


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write.Opened, "_check", lambda self, path, plan: None)


def search(
    tmp_path: Path,
    ms: Callable[[QuantPlan], float],
    error: Callable[[QuantPlan], float],
    *,
    refused: Sequence[str] = (),
    allowed: float = 0.02,
) -> Search:
    laws = Laws(refused)
    answers = np.zeros((1, 2), np.float32)
    calibration = Calibration(images=np.zeros((1, 3, 4, 4), np.float32))
    opened = Opened(format="litert", source=laws, float_answers=answers, calibration=calibration, mended=0)
    float_file = tmp_path / "float.tflite"
    float_file.touch()
    return find_plan(
        opened,
        PARTS,
        float_file,
        measure=lambda paths: [FLOAT_MS if path == float_file else ms(laws.plans[path.name]) for path in paths],
        error=lambda path: FLOAT_ERROR if path == float_file else error(laws.plans[path.name]),
        folder=tmp_path,
        base=QuantPlan(),
        allowed=allowed,
    )


def test_a_kind_that_is_slow_in_int8_stays_in_float_and_it_says_why(tmp_path: Path) -> None:
    found = search(tmp_path, lambda plan: 5 if Kind.HARD_SWISH in plan.float_kinds else 13, lambda _: FLOAT_ERROR)
    assert found.chosen is not None
    assert found.chosen.plan == QuantPlan(float_kinds=(Kind.HARD_SWISH,))
    assert found.reasons[0] == (
        "hard_swish stays in float: 5.00 ms instead of 13.00 ms (in int8 the fast kernels leave 2 HARD_SWISH over)"
    )
    assert found.trials[0].plan == QuantPlan()


def test_kinds_that_cost_nothing_are_quantized(tmp_path: Path) -> None:
    found = search(tmp_path, lambda plan: 5 + 0.05 * len(plan.float_kinds), lambda _: FLOAT_ERROR)
    assert found.chosen is not None
    assert found.chosen.plan == QuantPlan()


def test_parts_stay_in_float_until_the_error_is_as_good_as_floats(tmp_path: Path) -> None:
    """Blocks 0 and 2 do harm, block 0 more for its time; block 1 and the head cost time and give nothing."""
    harm = {"blocks.0": 0.3, "blocks.2": 0.2}
    cost = {"blocks.0": 0.5, "blocks.1": 1.0, "blocks.2": 1.0, "head": 2.0}

    def ms(plan: QuantPlan) -> float:
        return 5 + sum(cost[part] for part in plan.float_parts)

    def error(plan: QuantPlan) -> float:
        return FLOAT_ERROR + sum(value for part, value in harm.items() if part not in plan.float_parts)

    found = search(tmp_path, ms, error)
    assert found.chosen is not None
    assert found.chosen.plan.float_parts == ("blocks.0", "blocks.2")
    assert found.chosen.ms == pytest.approx(6.5)
    assert found.chosen.error == pytest.approx(FLOAT_ERROR)


def test_a_part_that_is_faster_in_float_makes_room_for_one_that_costs_time(tmp_path: Path) -> None:
    """Without instructions that multiply bytes int8 as a whole is no faster than float; block 0 is slower."""

    def ms(plan: QuantPlan) -> float:
        return 9.9 - 2.0 * ("blocks.0" in plan.float_parts) + 1.0 * ("head" in plan.float_parts)

    def error(plan: QuantPlan) -> float:
        return FLOAT_ERROR + 0.3 * ("head" not in plan.float_parts) + 0.01 * ("blocks.0" in plan.float_parts)

    found = search(tmp_path, ms, error)
    assert found.chosen is not None
    assert found.chosen.plan.float_parts == ("blocks.0", "head")
    assert found.chosen.ms == pytest.approx(8.9)


def test_the_fastest_of_those_that_are_good_enough_is_chosen(tmp_path: Path) -> None:
    found = search(tmp_path, lambda plan: 5 + len(plan.float_parts), lambda _: FLOAT_ERROR + 0.01)
    assert found.chosen is not None
    assert found.chosen.plan == QuantPlan()


def test_where_none_is_good_enough_the_most_accurate_is_chosen(tmp_path: Path) -> None:
    found = search(tmp_path, lambda plan: 5 + len(plan.float_parts), lambda plan: 2.0 - 0.1 * len(plan.float_parts))
    assert found.chosen is not None
    assert len(found.chosen.plan.float_parts) == len(PARTS)


def test_case_l7_int8_that_is_not_faster_than_float_is_not_chosen(tmp_path: Path) -> None:
    found = search(tmp_path, lambda plan: 9.8 + len(plan.float_kinds) + len(plan.float_parts), lambda _: 0.5)
    assert found.chosen is None
    assert found.reasons == (
        "no int8 plan is faster than the float file's 10.00 ms (all int8 takes 9.80 ms): int8 does not pay here",
    )


def test_plans_that_the_tool_cannot_carry_out_are_left_out(tmp_path: Path) -> None:
    found = search(tmp_path, lambda _: 5.0, lambda _: FLOAT_ERROR, refused=["head"])
    assert found.chosen is not None
    assert not any("head" in trial.plan.float_parts for trial in found.trials)


def test_times_of_several_sessions_are_set_against_the_same_float_file(tmp_path: Path) -> None:
    """The machine runs twice as slow in every second session; trials must not show it."""
    laws, calls = Laws(), [0]
    calibration = Calibration(images=np.zeros((1, 3, 4, 4), np.float32))
    opened = Opened(
        format="litert", source=laws, float_answers=np.zeros((1, 2), np.float32), calibration=calibration, mended=0
    )  # fmt: skip
    float_file = tmp_path / "float.tflite"
    float_file.touch()

    def measure(paths: Sequence[Path]) -> list[float]:
        calls[0] += 1
        slow = 2.0 if calls[0] % 2 == 0 else 1.0
        return [slow * (FLOAT_MS if path == float_file else 5.0) for path in paths]

    found = find_plan(
        opened,
        PARTS,
        float_file,
        measure=measure,
        error=lambda _: FLOAT_ERROR,
        folder=tmp_path,
        base=QuantPlan(),
        allowed=0.02,
    )
    assert calls[0] >= 2
    assert all(trial.ms / found.float_ms == pytest.approx(0.5, rel=0.34) for trial in found.trials)
