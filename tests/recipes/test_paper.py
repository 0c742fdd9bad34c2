"""The paper's two ways, with runs that are formulas; both of them for real among the slow tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.edits.by_hand import by_hand
from edgesmith.arch.edits.widths import widths_of, with_width
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import BudgetError, UsageError
from edgesmith.core.files import read_json, write_json
from edgesmith.deploy.bundle import open_bundle
from edgesmith.devices.across import Target
from edgesmith.recipes import paper
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.models import resolve
from edgesmith.recipes.net_forms import deployed
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.paper_last import Way
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.run_folder import RESULT_NAME
from edgesmith.report.content import Outcome
from edgesmith.report.saved import REPORT_NAME, load
from edgesmith.search.executors.here import Here
from edgesmith.search.netadapt import narrowest

METRICS = {"top1": 0.9, "num_images": 10, "split": "val"}
SEED = find("mnasnet_a1").with_num_classes(10)
SET = SimpleNamespace(dataset=SimpleNamespace(task="classification", classes=tuple("0123456789")), pictures=[0] * 9)


class Runs:
    """What stages were asked to do, and the bundles that they left."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.specs: dict[Path, NetSpec] = {}
        self.searched: FitConfig | None = None
        self.adapted: NetAdaptConfig | None = None
        self.executors: list[str] = []
        self.way: Way | None = None
        self.last: FitConfig | None = None

    def leave(self, folder: Path, spec: NetSpec) -> None:
        self.asked.append(folder.name)
        self.specs[folder / "bundle"] = spec
        write_json(folder / RESULT_NAME, {"metrics": METRICS})

    def train_model(self, model: Any, data: str, *, out: Path, weights: str, **_: Any) -> None:
        del data
        assert weights == "auto"
        self.leave(out, model.spec)

    def fit(self, config: FitConfig, *, out: Path, **_: Any) -> None:
        self.searched = config
        self.leave(out, find("mnasnet_small").with_num_classes(10))

    def netadapt(self, config: NetAdaptConfig, *, out: Path, **_: Any) -> None:
        """Halve the widest."""
        self.adapted = config
        spec = self.specs[Path(config.model)]
        width = max(widths_of(spec), key=lambda each: each.channels)
        self.leave(out, with_width(spec, width, width.channels // 16 * 8))

    def last_stage(self, way: Way, config: FitConfig, material: Any, stages: Any, home: Path, **_: Any) -> FitResult:
        del material, stages
        self.asked.append("last")
        self.way, self.last = way, config
        ms, limit = ms_of(way.last), config.limits().latency_ms
        return FitResult(
            bundle=home / "bundle",
            report=home / "report.html",
            budget_ms=limit,
            met=ms <= limit,
            latency=({"ms": ms},),
            metrics=METRICS,
            spec=way.last,
            forecast_s=1.0,
            actual_s=1.0,
            summary=(),
        )

    def make_executor(self, text: str) -> Here:
        self.executors.append(text)
        return Here()

    def open_bundle(self, folder: Path) -> Any:
        spec = self.specs[folder]
        return SimpleNamespace(folder=folder, manifest=SimpleNamespace(spec=spec, name=spec.name))


def ms_of(spec: NetSpec) -> float:
    """Latency as a formula."""
    return count_total(spec).madds / 1e8


def timed(specs: Sequence[NetSpec], target: Target, **_: Any) -> list[Any]:
    """In place of `measure_specs`."""
    del target
    return [SimpleNamespace(ms=ms_of(spec), low_ms=ms_of(spec)) for spec in specs]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Formulas in place of trainings and devices."""
    made = Runs()
    for name in ("train_model", "fit", "netadapt", "last_stage", "make_executor", "open_bundle"):
        monkeypatch.setattr(paper, name, getattr(made, name))
    monkeypatch.setattr(paper, "measure_specs", timed)
    monkeypatch.setattr(paper, "open_material", lambda *_, **__: SET)
    return made


def config(budget: float, **changes: Any) -> FitConfig:
    """A fit within a budget."""
    return FitConfig(data="digits.zip", budget=f"{budget:.4f}ms", time="40m", **changes)


def test_large_goes_from_a1_by_netadapt_and_by_hand(runs: Runs, tmp_path: Path) -> None:
    edited = ms_of(by_hand(SEED))
    result = paper.paper_fit("paper-large", config(0.99 * edited), out=tmp_path / "run")
    assert runs.asked == ["1-seed", "2-netadapt", "last"]
    assert runs.adapted is not None
    assert runs.adapted.model == str(tmp_path / "run" / "1-seed" / "bundle")
    target = float(runs.adapted.budget.removesuffix("ms"))
    assert target == pytest.approx(0.95 * 0.99 * ms_of(SEED), rel=1e-2)
    narrowed = runs.specs[tmp_path / "run" / "2-netadapt" / "bundle"]
    assert runs.way is not None
    assert (runs.way.first, runs.way.narrowed) == (SEED, narrowed)
    assert model_hash(result.spec) == model_hash(by_hand(narrowed))
    assert result.metrics == METRICS
    assert result.met


def test_where_the_hand_edits_are_enough_there_is_no_netadapt(runs: Runs, tmp_path: Path) -> None:
    result = paper.paper_fit("paper-large", config(2 * ms_of(SEED)), out=tmp_path / "run")
    assert runs.asked == ["1-seed", "last"]
    assert runs.way is not None
    assert runs.way.narrowed is None
    assert model_hash(result.spec) == model_hash(by_hand(SEED))


def test_small_begins_with_the_controller_alone_and_its_own_exponent(runs: Runs, tmp_path: Path) -> None:
    edited = ms_of(by_hand(find("mnasnet_small").with_num_classes(10)))
    wishes = config(0.9 * edited, int8=False, teacher=None, workers="3")
    paper.paper_fit("paper-small", wishes, out=tmp_path / "run")
    assert runs.asked == ["1-search", "2-netadapt", "last"]
    assert runs.searched is not None
    assert runs.searched.search is not None
    assert runs.searched.search.strategy == "controller"
    assert not runs.searched.zoo
    reward = runs.searched.search.make_reward(1.0)
    assert reward is not None
    assert reward.exponent == -0.15


def test_workers_are_those_that_were_asked_for(runs: Runs, tmp_path: Path) -> None:
    edited = ms_of(by_hand(find("mnasnet_small").with_num_classes(10)))
    paper.paper_fit("paper-small", config(0.9 * edited, workers="3"), out=tmp_path / "run")
    assert runs.executors == ["processes:3"]
    assert runs.searched is not None
    assert runs.searched.executor == "processes:3"


def test_a_budget_that_netadapt_cannot_reach_is_refused_before_any_training(runs: Runs, tmp_path: Path) -> None:
    least = ms_of(narrowest(SEED)) * ms_of(by_hand(SEED)) / ms_of(SEED)
    with pytest.raises(BudgetError, match=rf"out of reach: mnasnet_a1 takes .* about {least:.3g} ms with every width"):
        paper.paper_fit("paper-large", config(0.9 * least), out=tmp_path / "run")
    assert runs.asked == []
    paper.paper_fit("paper-large", config(1.1 * least / 0.95), out=tmp_path / "other")
    assert runs.asked[0] == "1-seed"


def test_a_search_is_not_gone_on_from_where_nothing_could_reach_the_budget(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match="out of reach: mnasnet_small"):
        paper.paper_fit("paper-small", config(1e-3), out=tmp_path / "run")
    assert runs.asked == ["1-search"]


@pytest.mark.parametrize("device", ["onnxruntime,litert", "onnxruntime:int8"])
def test_what_netadapt_cannot_is_refused_before_anything_is_run(runs: Runs, tmp_path: Path, device: str) -> None:
    wishes = replace(config(1.0), device=device)
    with pytest.raises(UsageError, match=f"{device}; name one"):
        paper.paper_fit("paper-large", wishes, out=tmp_path / "run")
    assert not runs.asked
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("limit", ["max_size", "max_memory"])
def test_limits_that_nothing_would_heed_are_refused(runs: Runs, tmp_path: Path, limit: str) -> None:
    with pytest.raises(UsageError, match="--preset narrows by latency alone; leave out --max-size and --max-memory"):
        paper.paper_fit("paper-large", config(1.0, **{limit: "2MB"}), out=tmp_path / "run")
    assert not runs.asked


def test_int8_is_made_of_the_last_network_and_not_of_the_search(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def with_int8(result: FitResult, *_: Any, **__: Any) -> FitResult:
        asked.append(result.bundle)
        return replace(result, int8={"kept": True})

    monkeypatch.setattr(paper, "with_int8", with_int8)
    edited = ms_of(by_hand(find("mnasnet_small").with_num_classes(10)))
    result = paper.paper_fit("paper-small", config(edited, int8=True), out=tmp_path / "run")
    assert asked == [tmp_path / "run" / "bundle"]
    assert result.int8 == {"kept": True}
    assert runs.searched is not None
    assert not runs.searched.int8


def test_stages_that_are_finished_are_not_run_again(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    wishes = config(0.9 * ms_of(by_hand(SEED)))
    monkeypatch.setattr(paper, "last_stage", killed)
    with pytest.raises(KeyboardInterrupt):
        paper.paper_fit("paper-large", wishes, out=tmp_path / "run")
    asked = list(runs.asked)
    monkeypatch.setattr(paper, "last_stage", runs.last_stage)
    paper.paper_fit("paper-large", wishes, out=tmp_path / "run")
    assert runs.asked == [*asked, "last"]


def test_an_unknown_preset_is_answered_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="paper-large"):
        paper.paper_fit("paper-larg", config(1.0), out=tmp_path / "run")


def check_run(out: Path, result: FitResult, preset: str) -> None:
    """Bundle and report are where every fit has them."""
    assert (result.bundle, result.report) == (out / "bundle", out / "report.html")
    assert resolve(str(out)).require_bundle().manifest.spec == result.spec
    report = load(out / REPORT_NAME)
    assert f"--preset {preset}" in report.repeat[0].text
    assert [row.outcome for row in report.candidates][-1] is Outcome.WINNER
    assert report.candidates[-1].reason == "edited by hand and trained from scratch"
    assert result.report.is_file()
    assert result.forecast_s == report.forecast_s


@pytest.mark.slow
def test_large_for_real_on_digits(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    wishes = FitConfig(
        data=str(tmp_path / "digits.zip"), budget="2ms", time="6m", resolution=32, weights="none", device="onnxruntime"
    )
    result = paper.paper_fit("paper-large", wishes, out=tmp_path / "run")
    assert result.metrics["top1"] > 0.5
    assert (tmp_path / "run" / "1-seed" / "bundle").is_dir()
    check_run(tmp_path / "run", result, "paper-large")


@pytest.mark.slow
def test_small_for_real_on_digits_ends_with_what_the_controller_proposed(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    wishes = FitConfig(
        data=str(tmp_path / "digits.zip"),
        budget="40ms",
        device="torch",  # takes no files, which take time to make
        time="5m",
        resolution=32,
        weights="none",
        workers="2",
    )
    out = tmp_path / "run"
    result = paper.paper_fit("paper-small", wishes, out=out)
    candidates = read_json(out / "1-search" / "result.json")["candidates"]
    assert {each["by"] for each in candidates} == {"controller"}
    chosen = open_bundle(out / "1-search" / "bundle").manifest.spec
    assert model_hash(deployed(chosen)) in {each["model_hash"] for each in candidates if each["accepted"]}
    raced = load(out / "1-search" / REPORT_NAME).candidates
    proposed = {each["name"] for each in candidates}
    assert {row.name for row in raced if row.accuracy is not None or row.outcome is Outcome.WINNER} <= proposed
    check_run(out, result, "paper-small")
