"""The search within a run, on a device and with trainings that are formulas."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import BudgetError
from edgesmith.devices.across import Target
from edgesmith.recipes import search_job, space_latency
from edgesmith.recipes import search_stage as stages
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.proxy import Probe
from edgesmith.recipes.proxy_wishes import ProxyWishes
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_report import tell_search
from edgesmith.recipes.search_result import Parent, Search
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.recipes.space_latency import cheapest_point
from edgesmith.recipes.zoo_first import Home
from edgesmith.search.limits import Limits
from edgesmith.search.storage import sqlite_url
from tests.recipes.formulas import ZOO, Formula, timed, true_ms


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Scikit-learn's digits."""
    path = tmp_path_factory.mktemp("data") / "digits.zip"
    write_digits(path)
    return open_material(path, seed=0)


@pytest.fixture(autouse=True)
def formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Formulas in place of devices and trainings."""
    monkeypatch.setattr(space_latency, "measure_specs", timed)
    monkeypatch.setattr(stages, "measure_specs", timed)
    monkeypatch.setattr(stages, "Proxy", Formula)
    Formula.asked.clear()
    Formula.begun.clear()


def search(material: Material, folder: Path, wishes: SearchWishes, limits: Limits) -> Search:
    """A search of 24 candidates, in this process."""
    found = attempt(material, folder, replace(wishes, trials=24), limits)
    assert found is not None
    return found


def attempt(
    material: Material,
    folder: Path,
    wishes: SearchWishes,
    limits: Limits,
    *,
    seconds: float = 600,
    both_s: float = math.inf,
    zoo: Sequence[NetSpec] = ZOO,
    inherit: bool = False,
) -> Search | None:
    """A search in this process."""
    return stages.search_stage(
        replace(wishes, workers="here", proxy=replace(wishes.proxy, inherit=inherit)),
        material=material,
        data="digits.zip",
        weights="none",
        recipe="small",
        settings=(),
        seed=0,
        limits=limits,
        target=Target(device="formula"),
        seconds=seconds,
        both_s=both_s,
        zoo=zoo,
        resolutions=(32,),
        stages=Stages(folder / "stages"),
        folder=folder,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "both_s", "is_worth"),
    [
        (20.0, math.inf, False),
        (800.0, math.inf, True),
        (800.0, 1000.0, False),  # 200 epochs of 1,433 pictures take 955 s of them
        (800.0, 1800.0, True),
    ],
)
def test_a_search_that_nobody_asked_for_is_left_where_its_time_buys_little(
    material: Material,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    both_s: float,
    *,
    is_worth: bool,
) -> None:
    monkeypatch.setattr(Probe, "speed", lambda *_: 300.0)
    limits = Limits(latency_ms=0.6 * true_ms(ZOO[0]))
    found = attempt(material, tmp_path, SearchWishes(if_worth=True), limits, seconds=seconds, both_s=both_s)
    assert (found is not None) is is_worth
    assert bool(Formula.asked) is is_worth
    assert (tmp_path / "stages" / "search-latency.json").exists() is is_worth


@pytest.mark.parametrize("best", ["mobilenet_v3_small", "mobilenet_v3_large"])
def test_it_looks_around_the_network_that_came_furthest_on_these_pictures(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, best: str
) -> None:
    zoo = (find("mobilenet_v3_large@width=0.5,resolution=32"), find("mobilenet_v3_small@resolution=32"))
    monkeypatch.setattr(Probe, "speed", lambda *_: 3000.0)
    monkeypatch.setattr(Probe, "score", lambda self, _: {"accuracy": 0.9 if self.space.name.startswith(best) else 0.8})
    limits = Limits(latency_ms=true_ms(zoo[0]))
    found = attempt(material, tmp_path, SearchWishes(trials=16), limits, zoo=zoo)
    assert found is not None
    assert found.space.name == f"{best}_space"
    assert found.plan.startswith("of 2 networks of the zoo, each after ")
    assert f"{best}@" in found.plan


def test_candidates_begin_with_the_weights_of_a_parent_that_half_of_the_time_trained(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, float]] = []
    parent = Parent(
        bundle="parent/bundle", home="mobilenet_v3_small", pictures=9, seconds=120.0, line="candidates inherit"
    )

    def train(probe: Probe, home: Home, seconds: float, **_: object) -> Parent:
        asked.append((home.spec.name, seconds))
        return parent

    monkeypatch.setattr(stages, "train_parent", train)
    monkeypatch.setattr(search_job, "hash_weights", lambda *_: "of the parent")
    limits = Limits(latency_ms=true_ms(ZOO[0]))
    found = attempt(material, tmp_path, SearchWishes(), limits, seconds=240, inherit=True)
    assert asked == [(ZOO[0].name, 120.0)]
    assert found is not None
    assert found.parent == parent
    assert found.plan.startswith("candidates inherit; ")
    assert Formula.begun == {"parent/bundle"}
    anew = attempt(material, tmp_path / "anew", SearchWishes(), limits, seconds=120)
    assert anew is not None
    assert anew.parent is None
    assert Formula.begun == {"parent/bundle", "none"}
    assert len(found.tried) > len(anew.tried)  # as much time for both: who inherits needs less of it


@pytest.mark.parametrize("share", [0.6, 0.8])
def test_case_a4_nothing_returned_exceeds_the_limit_as_measured(
    material: Material, tmp_path: Path, share: float
) -> None:
    limit = share * true_ms(ZOO[0])
    found = search(material, tmp_path, SearchWishes(), Limits(latency_ms=limit))
    assert len(found.tried) == 24
    assert max(each.estimated_ms for each in found.tried) <= limit
    assert found.finalists
    assert max(each.latency.high_ms for each in found.finalists) <= limit
    assert max(each.latency.ms for each in found.finalists) > 0.8 * limit
    rows = found.to_json()
    assert {row["name"] for row in rows if row["accepted"]} == {each.spec.name for each in found.finalists}
    assert all(row["latency"] for row in rows if row["accepted"])


@pytest.mark.slow
def test_candidates_use_most_of_the_budget_where_they_can(material: Material, tmp_path: Path) -> None:
    limit = 0.8 * true_ms(ZOO[0])
    found = search(material, tmp_path / "tight", SearchWishes(random=True), Limits(latency_ms=limit))
    assert min(each.estimated_ms for each in found.tried) > 0.9 * 0.95 * limit / 1.1
    wide = search(material, tmp_path / "wide", SearchWishes(), Limits(latency_ms=100 * true_ms(ZOO[0])))
    assert len(wide.tried) == 24  # nothing in the space is as slow as that


@pytest.mark.parametrize(("task", "classes"), [("segmentation", 2), ("segmentation", 40), ("detection", 40)])
def test_no_head_is_cheaper_than_that_of_the_cheapest_point(task: str, classes: int) -> None:
    space = find_space("mobilenet_v3_small", resolutions=((96, 128),), num_classes=classes, task=task)
    point = cheapest_point(space)
    least = count_total(space.decode(point)).madds
    begin = len(space.choices) - len(space.ending.choices)
    for place in range(begin, len(space.choices)):
        for option in range(len(space.choices[place].options)):
            other = space.normal((*point[:place], option, *point[place + 1 :]))
            assert count_total(space.decode(other)).madds >= least, space.choices[place].name


def test_sizes_are_limits_too(material: Material, tmp_path: Path) -> None:
    space = find_space("mobilenet_v3_small", resolutions=(32,), num_classes=10)
    smallest = count_total(space.decode(cheapest_point(space)))
    size, memory = 6 * smallest.parameters, 2 * smallest.peak_bytes
    limits = Limits(latency_ms=10 * true_ms(ZOO[0]), size_bytes=size, memory_bytes=memory)
    found = search(material, tmp_path, SearchWishes(), limits)
    for each in found.tried:
        cost = count_total(each.spec)
        assert 4 * cost.parameters <= size
        assert cost.peak_bytes <= memory


@pytest.mark.slow
def test_a_search_that_is_started_again_trains_nothing_again(material: Material, tmp_path: Path) -> None:
    limits = Limits(latency_ms=true_ms(ZOO[0]))
    first = search(material, tmp_path, SearchWishes(random=True), limits)
    assert len(Formula.asked) == len(set(Formula.asked)) + (48 - len({(e.by, e.point) for e in first.tried}))
    asked = len(Formula.asked)
    assert search(material, tmp_path, SearchWishes(random=True), limits).tried == first.tried
    for file in (tmp_path / "stages").glob("search-[sr]*.json"):
        file.unlink()
    again = search(material, tmp_path, SearchWishes(random=True), limits)
    assert again.tried == first.tried
    assert len(Formula.asked) == asked


@pytest.mark.slow
def test_random_beside_it_has_as_many_candidates_and_the_default_finds_better_ones(
    material: Material, tmp_path: Path
) -> None:
    found = search(material, tmp_path, SearchWishes(random=True), Limits(latency_ms=0.6 * true_ms(ZOO[0])))
    best = {by: max(each.accuracy for each in found.tried if each.by == by) for by in ("surrogate", "random")}
    assert best["surrogate"] > best["random"]
    facts = tell_search(found, 0.6 * true_ms(ZOO[0]), 100)
    assert len(facts.points) == len(found.tried)
    assert any("Tried: 24 of surrogate, 24 of random." in line for line in facts.lines)
    assert any("Kendall's tau" in line and "finalists" in line for line in facts.lines)
    assert [curve.label for curve in facts.best_so_far.curves] == ["surrogate", "random"]
    assert any(line.startswith("random: best of") for line in facts.lines)


@pytest.mark.parametrize("strategy", ["surrogate", "nsga2"])
def test_a_front_of_two_goals_reaches_down_to_fast_networks(material: Material, tmp_path: Path, strategy: str) -> None:
    limit = true_ms(ZOO[0])
    wishes = SearchWishes(strategy=strategy, objectives=("accuracy", "latency"))
    found = search(material, tmp_path, wishes, Limits(latency_ms=limit))
    assert min(each.estimated_ms for each in found.tried) < 0.7 * limit
    assert max(each.latency.high_ms for each in found.finalists) <= limit
    front = [point for point in tell_search(found, limit, 100).points if point.on_front]
    assert len(front) > 2
    ordered = sorted(front, key=lambda each: each.ms)
    assert [each.accuracy for each in ordered] == sorted(each.accuracy for each in ordered)


def test_short_trainings_are_as_they_were_asked_for(material: Material, tmp_path: Path) -> None:
    wishes = SearchWishes(proxy=ProxyWishes(pictures=2000, subset=0.5), trials=6)
    attempt(material, tmp_path, wishes, Limits(latency_ms=true_ms(ZOO[0])))
    plan = Stages(tmp_path / "stages").run("search-plan", dict)
    assert (plan["trials"], plan["pictures"]) == (6, 2000)
    assert plan["epochs"] == pytest.approx(2000 / round(0.5 * len(material.parted(0)[0])))


def test_a_run_begun_anew_in_its_folder_has_a_study_of_its_own(material: Material, tmp_path: Path) -> None:
    wishes, limits = SearchWishes(study=sqlite_url(tmp_path / "shared.db")), Limits(latency_ms=true_ms(ZOO[0]))
    search(material, tmp_path / "run", wishes, limits)
    asked = len(Formula.asked)
    shutil.rmtree(tmp_path / "run")
    search(material, tmp_path / "run", wishes, limits)
    assert len(Formula.asked) == 2 * asked


def test_a_reward_lets_the_strategy_see_networks_beyond_the_budget_and_returns_none(
    material: Material, tmp_path: Path
) -> None:
    limit = 0.9 * true_ms(ZOO[0])
    wishes = SearchWishes(strategy="controller", reward="soft-small")
    found = search(material, tmp_path, wishes, Limits(latency_ms=limit))
    assert max(each.estimated_ms for each in found.tried) > limit
    assert all(each.latency.high_ms <= limit for each in found.finalists)


def test_an_infeasible_budget_is_refused_before_any_training(material: Material, tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match=r"the smallest takes .* raise --budget"):
        search(material, tmp_path, SearchWishes(), Limits(latency_ms=0.01))
    assert not Formula.asked
