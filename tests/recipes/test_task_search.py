"""A search for each task with an answer for places: trained for a little on tiny sets, timed by a formula, resumed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edgesmith.arch.space.presets import find_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.devices.across import Target
from edgesmith.nn.build import build
from edgesmith.recipes import proxy, search_run, space_latency
from edgesmith.recipes import search_stage as stages
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.net_forms import deployed
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_report import tell_search
from edgesmith.recipes.search_result import Search
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.recipes.start import Start, Starts, default_recipe
from edgesmith.recipes.task_nets import net_for
from edgesmith.search.limits import Limits
from edgesmith.weights.imported import Imported
from tests.recipes.formulas import timed, true_ms
from tests.recipes.task_sets import RESOLUTION, TASKS

TRIALS = 3
SETTINGS = ("batch_size=4", "schedule.warmup_pictures=4")


@dataclass(frozen=True, kw_only=True)
class Set:
    """A tiny set of one task."""

    task: str
    path: Path
    material: Material


@pytest.fixture(scope="module", params=TASKS)
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Set:
    path = TASKS[request.param].write(tmp_path_factory.mktemp(request.param) / "data", {"train": 20, "val": 4})
    return Set(task=request.param, path=path, material=open_material(path, seed=0))


@pytest.fixture(autouse=True)
def formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Formulas in place of devices and of the pace of trainings; the trainings themselves are real."""
    monkeypatch.setattr(space_latency, "measure_specs", timed)
    monkeypatch.setattr(stages, "measure_specs", timed)
    monkeypatch.setattr(proxy.Proxy, "speed", lambda *_, **__: 8.0)
    monkeypatch.setattr(search_run, "OVERHEAD_S", 0.0)
    monkeypatch.setattr("edgesmith.recipes.search_plan._LEAST_EPOCHS", 0.5)


def search(tiny: Set, folder: Path, **wishes: str) -> Search:
    (seed,) = [net_for(find("mobilenet_v3_small@width=0.35"), tiny.material.dataset).with_resolution(*RESOLUTION)]
    found = stages.search_stage(
        SearchWishes(workers="here", trials=TRIALS, **wishes),  # type: ignore[arg-type]
        material=tiny.material,
        data=str(tiny.path),
        weights="none",
        recipe=default_recipe(Start(), tiny.task),
        settings=SETTINGS,
        seed=0,
        limits=Limits(latency_ms=1.5 * true_ms(seed)),
        target=Target(device="formula"),
        seconds=1.0 * TRIALS,
        zoo=(seed,),
        resolutions=(RESOLUTION,),
        stages=Stages(folder / "stages"),
        folder=folder,
    )
    assert found is not None
    return found


def test_candidates_are_networks_of_the_task_with_its_own_figure(tiny: Set, tmp_path: Path) -> None:
    wanted = TASKS[tiny.task]
    found = search(tiny, tmp_path)
    assert not found.failed
    assert len(found.tried) == TRIALS
    for each in found.tried:
        assert each.spec.head.task == tiny.task
        assert each.spec.resolution == RESOLUTION
        assert each.low is not None
        assert each.high is not None
        assert 0 <= each.low <= each.accuracy <= each.high <= 1
    rows = found.to_json()
    assert all(set(row["metrics"]) == {wanted.key, "split"} for row in rows)
    assert [row["model_hash"] for row in rows] == [model_hash(deployed(each.spec)) for each in found.tried]
    facts = tell_search(found, 1.0, 4)
    assert facts.metric == wanted.label
    assert any(f"% {wanted.label} (" in line for line in facts.lines)


def test_a_search_that_is_started_again_trains_nothing_again(
    tiny: Set, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = search(tiny, tmp_path)
    for file in (tmp_path / "stages").glob("search-s*.json"):
        file.unlink()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a candidate that was trained is trained again")

    monkeypatch.setattr(proxy, "train", never)
    assert search(tiny, tmp_path).tried == first.tried


def test_one_supernet_for_all_is_for_classification_so_far(tiny: Set, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"--scoring supernet is for classification so far, and this is {tiny.task}"):
        search(tiny, tmp_path, scoring="supernet")


@pytest.mark.slow
def test_a_whole_search_ends_with_a_bundle_and_tells_its_figure(tiny: Set, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    wishes = SearchWishes(workers="here", trials=4, random=True)
    config = FitConfig(
        data=str(tiny.path), budget="30ms", time="200s", weights="none", settings=("batch_size=4",), search=wishes
    )
    result = fit(config, out=tmp_path / "run")
    assert result.met
    assert result.spec.head.task == tiny.task
    assert result.candidates is not None
    assert {each["by"] for each in result.candidates} == {"surrogate", "random"}
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{TASKS[tiny.task].label} after a short training" in page
    assert "top-1" not in page


@pytest.mark.parametrize("of", ["classifier", "same task"])
def test_trained_weights_of_a_classifier_and_of_the_same_task_fit_every_point(tiny: Set, of: str) -> None:
    classes = tiny.material.dataset.classes
    origin = find("mobilenet_v3_small@resolution=64")
    if of == "same task":
        origin = deployed(net_for(origin, tiny.material.dataset)).with_resolution(*RESOLUTION)
    state = build(origin, seed=1).state_dict()
    imported = Imported(
        name="trained",
        spec=origin,
        state=state,
        preprocessing=Preprocessing.for_resolution(*RESOLUTION),
        classes=classes if of == "same task" else ("a",) * 1000,
        source="a test",
    )

    class Trained(Starts):
        @property
        def origin(self) -> Imported | None:
            return imported

        def of(self, spec: object) -> Start:
            del spec
            return Start(origin=imported)

    space = find_space("mobilenet_v3_small", resolutions=(RESOLUTION,), num_classes=len(classes), task=tiny.task)
    rng = np.random.default_rng(0)
    for _ in range(3):
        net, _ = proxy.begin_point(space, space.sample(rng), Trained("none"), tiny.material, seed=0)
        mine = net.state_dict()
        stem = state["blocks.0.conv.conv.weight"]
        filters = mine["blocks.0.conv.conv.weight"][: len(stem)]
        assert all(any(torch.equal(one, other) for other in stem) for one in filters)
    point = space.encode(with_frame(net_for(origin, tiny.material.dataset).with_resolution(*RESOLUTION), space))
    net, _ = proxy.begin_point(space, point, Trained("none"), tiny.material, seed=0)
    whole = [key for key in state if key.startswith("blocks.8.") or (of == "same task" and key.startswith("head."))]
    assert whole
    assert all(torch.equal(net.state_dict()[key], state[key]) for key in whole)


def with_frame(spec: NetSpec, space: StagedSpace) -> NetSpec:
    return replace(spec, padding=space.frame.padding, preset=space.frame.preset)
