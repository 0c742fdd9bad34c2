from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import UsageError
from edgesmith.devices.plan import QUICK, Plan


@given(run_ms=st.floats(1e-4, 1e4))
def test_every_speed_gets_a_lawful_layout(run_ms: float) -> None:
    plan = Plan()
    assert plan.min_rounds <= plan.num_rounds(run_ms) <= plan.max_rounds
    assert 1 <= plan.num_samples(run_ms) <= plan.samples
    assert plan.num_runs(run_ms) * run_ms >= plan.sample_ms * (1 - 1e-5)


def test_usual_sizes() -> None:
    plan = Plan(load_s=0.12, samples=3, settle_runs=1, sample_ms=0.5, visit_ms=60)
    assert [plan.num_rounds(ms) for ms in (0.1, 2.0, 20.0)] == [16, 15, 4]
    assert [plan.num_samples(ms) for ms in (2.0, 20.0, 25.0, 500.0)] == [3, 2, 1, 1]
    assert [plan.num_runs(ms) for ms in (0.01, 0.2, 2.0)] == [50, 3, 1]


def test_a_plan_travels_as_json() -> None:
    assert from_dict(Plan, to_dict(QUICK)) == QUICK


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("samples", 0, "samples of a measuring plan must be at least 1, got 0"),
        ("limit_s", 0.0, "limit_s of a measuring plan must be more than zero, got 0"),
        ("min_loads", 2, "min_loads must be at least 3, got 2"),
        ("enough_loads", 99, "min_loads <= enough_loads <= max_loads"),
        ("max_rounds", 1, "min_rounds <= max_rounds"),
    ],
)
def test_refuses_what_cannot_be(field: str, value: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_dict(Plan, {field: value})
