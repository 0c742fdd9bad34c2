"""The network that candidates of a search inherit from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import RunError
from edgesmith.deploy.bundle import load_module, open_bundle
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.train import TrainResult
from edgesmith.nn.build import Net
from edgesmith.recipes import search_parent
from edgesmith.recipes.fit_weights import fit_weights
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.proxy import Probe, begin_point
from edgesmith.recipes.proxy_wishes import ProxyWishes
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_parent import can_inherit, train_parent
from edgesmith.recipes.search_result import Parent
from edgesmith.recipes.search_space import space_for
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.recipes.start import Starts
from edgesmith.recipes.zoo_first import Home, homes_of
from edgesmith.tasks.base import Task

ZOO = (find("mobilenet_v3_small@resolution=32").with_num_classes(10),)
SPACE = space_for("mobilenet_v3_small", ZOO, resolutions=(32,), num_classes=10)
PICTURES = 6400


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scikit-learn's digits."""
    path: Path = tmp_path_factory.mktemp("data") / "digits.zip"
    write_digits(path)
    return path


@pytest.fixture(scope="module")
def material(digits: Path) -> Material:
    return open_material(digits, seed=0)


def probe_of(digits: Path) -> Probe:
    return Probe(
        space=SPACE,
        data=str(digits),
        weights="none",
        recipe="small",
        settings=("replicas=1", "workers=0"),
        pictures=1,
        scale=0.7,
        seed=0,
    )


def home() -> Home:
    (found,) = homes_of(ZOO, lambda *_: SPACE)
    return found


def train(folder: Path, digits: Path, material: Material) -> Parent | None:
    return train_parent(
        probe_of(digits), home(), 60, material=material, stages=Stages(folder / "stages"), folder=folder
    )


@pytest.mark.parametrize(
    ("wishes", "can"),
    [
        (SearchWishes(), True),
        (SearchWishes(workers="3"), True),
        (SearchWishes(workers="ray"), True),
        (SearchWishes(workers="ray:10.0.0.1:6379"), False),
        (SearchWishes(study="sqlite:///elsewhere.db"), False),
        (SearchWishes(scoring="supernet"), False),
        (SearchWishes(proxy=ProxyWishes(inherit=False)), False),
    ],
)
def test_candidates_inherit_where_all_who_try_them_see_the_run_folder(wishes: SearchWishes, *, can: bool) -> None:
    assert can_inherit(wishes) is can


def test_candidates_begin_with_what_the_parent_has_learned(
    tmp_path: Path, digits: Path, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def for_a_moment(net: Net, material: Material, task: Task, config: TrainConfig, **where: Any) -> TrainResult:
        asked.append(config.pictures)
        return fit_weights(net, material, task, replace(config, pictures=128), **where)

    monkeypatch.setattr(search_parent, "affordable_pictures", lambda *_: PICTURES)
    monkeypatch.setattr(search_parent, "fit_weights", for_a_moment)
    parent = train(tmp_path, digits, material)
    assert parent is not None
    assert (parent.home, parent.pictures, parent.seconds) == ("mobilenet_v3_small", PICTURES, 60.0)
    assert asked == [PICTURES]
    state = load_module(open_bundle(Path(parent.bundle))).state_dict()
    heir, anew = (
        begin_point(SPACE, home().point, Starts(start, material=material), material, seed=0)[0].state_dict()
        for start in (parent.bundle, "none")
    )
    assert all(torch.equal(value, state[key]) for key, value in heir.items())
    assert not all(torch.equal(value, state[key]) for key, value in anew.items())
    # Started again, the run reads it.
    monkeypatch.setattr(search_parent, "fit_weights", None)
    assert train(tmp_path, digits, material) == parent


def test_much_time_is_left_to_candidates(
    tmp_path: Path, digits: Path, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def stop(*args: Any, **_: Any) -> None:
        asked.append(args[3].pictures)
        raise RunError("enough")

    rest, _ = material.parted(0)
    monkeypatch.setattr(search_parent, "affordable_pictures", lambda *_: 1000 * len(rest))
    monkeypatch.setattr(search_parent, "fit_weights", stop)
    with pytest.raises(RunError, match="enough"):
        train(tmp_path, digits, material)
    assert asked == [100 * len(rest)]


def test_there_is_none_where_the_time_is_too_short_to_learn(
    tmp_path: Path, digits: Path, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_parent, "affordable_pictures", lambda *_: 500)
    assert train(tmp_path, digits, material) is None
    assert not (tmp_path / "parent").exists()
