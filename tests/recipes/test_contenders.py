"""What the networks of a fit are trained with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.deploy.bundle import load_module
from edgesmith.devices.across import Target
from edgesmith.recipes.candidates import Choice, Measured
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.models import Model
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.search_result import Parent
from edgesmith.recipes.start import Starts
from edgesmith.recipes.train import named_recipe, train_model
from tests.recipes.formulas import timed


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Scikit-learn's digits."""
    path: Path = tmp_path_factory.mktemp("data") / "digits.zip"
    write_digits(path)
    return open_material(str(path), seed=0)


@pytest.mark.parametrize("name", ["mobilenet_v3_small@resolution=64", "mobilenet_v3_large", "squeezenet_1_1"])
def test_each_is_trained_by_the_recipe_that_suits_it(digits: Material, name: str) -> None:
    """Not by one recipe for all: a net of 64 pixels that was trained at 51 took nearly every digit for another."""
    spec: NetSpec = find(name)
    contenders = Contenders(
        Choice(fitting=(), too_slow=(), too_costly=()),
        None,
        Starts("none", material=digits),
        digits,
        seed=3,
        count=3,
        settings=("optim.weight_decay=0.1",),
    )
    config = contenders.config(spec, 4096)
    alone = named_recipe("small", ("optim.weight_decay=0.1", "pictures=4096"), spec=spec, seed=3)
    assert config == alone


def test_beside_a_searchs_parent_only_its_kin_race_and_all_begin_with_its_weights(
    digits: Material, tmp_path: Path
) -> None:
    kin, other = (
        find(f"mobilenet_v3_{size}@width=0.5,resolution=32").with_num_classes(10) for size in ("small", "large")
    )
    short = ("pictures=128", "batch_size=64")
    bundle = train_model(
        Model(name=kin.name, spec=kin), digits_of(digits), out=tmp_path, settings=short, weights="none"
    ).bundle
    parent = Parent(bundle=str(bundle.folder), home="mobilenet_v3_small", pictures=128, seconds=1.0, line="")
    search: Any = SimpleNamespace(finalists=(), parent=parent, point_of=lambda _: None)
    choice = Choice(fitting=tuple(map(measured, (other, kin))), too_slow=(), too_costly=())
    contenders = Contenders(choice, search, Starts("none", material=digits), digits, seed=3, count=8)
    assert list(contenders.specs) == [kin.name]
    net, _ = contenders.begin(kin)
    trained = load_module(bundle).state_dict()
    assert all(torch.equal(value, trained[key]) for key, value in net.state_dict().items())
    # The recipe is that of what the user began with: from scratch.
    assert contenders.config(kin, 4096) == named_recipe("small", ("pictures=4096",), spec=kin, seed=3)


def measured(spec: NetSpec) -> Measured:
    return Measured(spec=spec, latency=timed([spec], Target(device="formula"))[0])


def digits_of(material: Material) -> str:
    return str(material.dataset.source.location)
