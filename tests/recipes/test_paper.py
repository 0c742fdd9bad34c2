"""The paper's two ways, with runs that are formulas; one of them for real among the slow tests."""

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
from edgesmith.core.errors import UsageError
from edgesmith.core.files import write_json
from edgesmith.devices.across import Target
from edgesmith.recipes import paper
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.run_folder import RESULT_NAME

METRICS = {"top1": 0.9, "num_images": 10, "split": "val"}


class Runs:
    """What stages were asked to do, and the bundles that they left."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.specs: dict[Path, NetSpec] = {}
        self.searched: FitConfig | None = None
        self.adapted: NetAdaptConfig | None = None

    def leave(self, folder: Path, spec: NetSpec) -> None:
        self.asked.append(folder.name)
        self.specs[folder / "bundle"] = spec
        write_json(folder / RESULT_NAME, {"metrics": METRICS})

    def train_model(self, model: Any, data: str, *, out: Path, weights: str, **_: Any) -> None:
        del data
        assert weights == ("none" if out.name == "3-scratch" else "auto")
        self.leave(out, model.spec)

    def fit(self, config: FitConfig, *, out: Path, **_: Any) -> None:
        self.searched = config
        self.leave(out, find("mnasnet_small"))

    def netadapt(self, config: NetAdaptConfig, *, out: Path, **_: Any) -> None:
        """Halve the widest."""
        self.adapted = config
        spec = self.specs[Path(config.model)]
        width = max(widths_of(spec), key=lambda each: each.channels)
        self.leave(out, with_width(spec, width, width.channels // 16 * 8))

    def open_bundle(self, folder: Path) -> Any:
        spec = self.specs[folder]
        return SimpleNamespace(folder=folder, manifest=SimpleNamespace(spec=spec, name=spec.name))


def ms_of(spec: NetSpec) -> float:
    """Latency as a formula."""
    return count_total(spec).madds / 1e8


def timed(specs: Sequence[NetSpec], target: Target, **_: Any) -> list[Any]:
    """In place of `measure_specs`."""
    del target
    return [SimpleNamespace(ms=ms_of(spec)) for spec in specs]


def measured(model: Any, target: Target, budget_ms: float, **_: Any) -> Any:
    """In place of `measure_for`."""
    del budget_ms
    ms = ms_of(model.spec)
    latency = SimpleNamespace(ms=ms, low_ms=ms, high_ms=ms, device=str(target), to_dict=lambda: {"ms": ms})
    return latency, SimpleNamespace(latency=[latency])


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Formulas in place of trainings and devices."""
    made = Runs()
    for name in ("train_model", "fit", "netadapt", "open_bundle"):
        monkeypatch.setattr(paper, name, getattr(made, name))
    monkeypatch.setattr(paper, "measure_specs", timed)
    monkeypatch.setattr(paper, "measure_for", measured)
    return made


def config(budget: float) -> FitConfig:
    """A fit within a budget."""
    return FitConfig(data="digits.zip", budget=f"{budget:.3f}ms", time="40m")


def test_large_goes_from_a1_by_netadapt_and_by_hand(runs: Runs, tmp_path: Path) -> None:
    edited = ms_of(by_hand(find("mnasnet_a1")))
    result = paper.paper_fit("paper-large", config(0.99 * edited), out=tmp_path / "run")
    assert runs.asked == ["1-seed", "2-netadapt", "3-scratch"]
    assert runs.adapted is not None
    assert runs.adapted.model == str(tmp_path / "run" / "1-seed" / "bundle")
    target = float(runs.adapted.budget.removesuffix("ms"))
    assert target == pytest.approx(0.95 * 0.99 * ms_of(find("mnasnet_a1")), rel=1e-2)
    narrowed = runs.specs[tmp_path / "run" / "2-netadapt" / "bundle"]
    assert model_hash(result.spec) == model_hash(by_hand(narrowed))
    assert result.metrics == METRICS
    assert result.met


def test_where_the_hand_edits_are_enough_there_is_no_netadapt(runs: Runs, tmp_path: Path) -> None:
    result = paper.paper_fit("paper-large", config(2 * ms_of(find("mnasnet_a1"))), out=tmp_path / "run")
    assert runs.asked == ["1-seed", "3-scratch"]
    assert model_hash(result.spec) == model_hash(by_hand(find("mnasnet_a1")))


def test_small_begins_with_the_controller_and_its_own_exponent(runs: Runs, tmp_path: Path) -> None:
    edited = ms_of(by_hand(find("mnasnet_small")))
    paper.paper_fit("paper-small", config(0.9 * edited), out=tmp_path / "run")
    assert runs.asked == ["1-search", "2-netadapt", "3-scratch"]
    assert runs.searched is not None
    assert runs.searched.search is not None
    assert runs.searched.search.strategy == "controller"
    reward = runs.searched.search.make_reward(1.0)
    assert reward is not None
    assert reward.exponent == -0.15


@pytest.mark.parametrize("device", ["onnxruntime,litert", "onnxruntime:int8"])
def test_what_netadapt_cannot_is_refused_before_anything_is_run(runs: Runs, tmp_path: Path, device: str) -> None:
    wishes = replace(config(1.0), device=device)
    with pytest.raises(UsageError, match=f"{device}; name one"):
        paper.paper_fit("paper-large", wishes, out=tmp_path / "run")
    assert not runs.asked
    assert not (tmp_path / "run").exists()


def test_stages_that_are_finished_are_not_run_again(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    wishes = config(0.9 * ms_of(by_hand(find("mnasnet_a1"))))
    monkeypatch.setattr(paper, "measure_for", killed)
    with pytest.raises(KeyboardInterrupt):
        paper.paper_fit("paper-large", wishes, out=tmp_path / "run")
    asked = list(runs.asked)
    monkeypatch.setattr(paper, "measure_for", measured)
    paper.paper_fit("paper-large", wishes, out=tmp_path / "run")
    assert runs.asked == asked


def test_an_unknown_preset_is_answered_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="paper-large"):
        paper.paper_fit("paper-larg", config(1.0), out=tmp_path / "run")


@pytest.mark.slow
def test_large_for_real_on_digits(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    wishes = FitConfig(
        data=str(tmp_path / "digits.zip"), budget="2ms", time="12m", resolution=32, weights="none", device="onnxruntime"
    )
    result = paper.paper_fit("paper-large", wishes, out=tmp_path / "run")
    assert result.metrics["top1"] > 0.5
    assert (tmp_path / "run" / "1-seed" / "bundle").is_dir()
