"""Which nets of the zoo meet a budget, on a device that is a formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import BudgetError
from edgesmith.devices.across import Target
from edgesmith.devices.plan import QUICK
from edgesmith.devices.results import Latency
from edgesmith.recipes import candidates
from edgesmith.recipes.candidates import MARGIN, Choice, choose
from edgesmith.search.candidates import kind_of, zoo_grid
from tests.recipes.formulas import timed, true_ms

GRID = zoo_grid(10, resolutions=(96, 128, 160))
TRUE_MS = {spec.name: 1.01 * true_ms(spec) for spec in GRID}  # the upper end, as `timed` has it


@pytest.fixture(autouse=True)
def formula(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "measure_specs", timed)


def choice(budget_ms: float) -> Choice:
    return choose(GRID, budget_ms=budget_ms, target=Target(device="formula"), count=8, plan=QUICK)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_of_each_network_and_resolution_the_widest_that_fits_is_found(share: float) -> None:
    budget_ms = share * max(TRUE_MS.values())
    found = choice(budget_ms)
    assert all(each.latency.high_ms <= budget_ms * MARGIN for each in found.fitting)
    assert len({kind_of(each.spec) for each in found.fitting}) == len(found.fitting)
    for each in found.fitting:
        fits = [
            spec for spec in GRID if kind_of(spec) == kind_of(each.spec) and TRUE_MS[spec.name] <= budget_ms * MARGIN
        ]
        widest = max(TRUE_MS[spec.name] for spec in fits)
        assert TRUE_MS[each.spec.name] > 0.9 * widest


def test_a_machine_that_slows_from_session_to_session_prefers_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions: list[int] = []

    def slower_and_slower(specs: Sequence[NetSpec], target: Target, **options: Any) -> tuple[Latency, ...]:
        sessions.append(len(specs))
        return tuple(each.at_pace(1.3 ** len(sessions)) for each in timed(specs, target, **options))

    monkeypatch.setattr(candidates, "measure_specs", slower_and_slower)
    found = choice(2 * max(TRUE_MS.values()))
    assert len(sessions) > 2
    pace = 1.3 ** len(sessions)
    for each in (*found.fitting, *found.too_slow):
        assert each.latency.high_ms == pytest.approx(pace * TRUE_MS[each.spec.name])
    madds = [count_total(each.spec).madds for each in found.fitting]
    assert madds == sorted(madds, reverse=True)


def test_the_narrowest_that_is_too_costly_stands_for_the_wider_ones() -> None:
    found = choice(0.5 * max(TRUE_MS.values()))
    kinds = [kind_of(spec) for spec, _ in found.too_costly]
    assert len(kinds) == len(set(kinds))


def test_a_budget_below_all_is_refused_with_the_fastest() -> None:
    with pytest.raises(BudgetError, match=r"no candidate meets .* the fastest, mobilenet_v3_small@width=0.35"):
        choice(0.5 * min(TRUE_MS.values()))
