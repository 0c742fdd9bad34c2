"""What the networks of a fit are trained with."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.recipes.candidates import Choice
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.start import Starts
from edgesmith.recipes.train import named_recipe


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
