"""Training recipes by name."""

from __future__ import annotations

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.config import from_dict, override, to_dict
from edgesmith.core.errors import UsageError
from edgesmith.engine.config import TrainConfig
from edgesmith.recipes.train import named_recipe
from edgesmith.recipes.training import RECIPES

SPEC = find("mobilenet_v3_small")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_its_json(name: str) -> None:
    config = RECIPES[name]()
    assert from_dict(TrainConfig, to_dict(config)) == config


def test_the_papers_published_figures() -> None:
    paper = RECIPES["paper"]()
    assert (paper.optim.name, paper.optim.momentum, paper.optim.weight_decay) == ("rmsprop", 0.9, 1e-5)
    assert (paper.optim.learning_rate, paper.optim.reference_batch_size) == (0.1, 4096)
    assert (paper.ema_decay, paper.schedule.decay, paper.schedule.every_epochs) == (0.9999, 0.99, 3.0)


@pytest.mark.parametrize(("name", "every", "decay"), [("torchvision", 2.0, None), ("timm", 2.4, 0.9999)])
def test_the_libraries_published_figures(name: str, every: float, decay: float | None) -> None:
    recipe = RECIPES[name]()
    assert (recipe.optim.name, recipe.optim.learning_rate, recipe.optim.reference_batch_size) == (
        "rmsprop",
        0.064,
        1024,
    )
    assert (recipe.optim.momentum, recipe.optim.weight_decay) == (0.9, 1e-5)
    assert (recipe.schedule.decay, recipe.schedule.every_epochs, recipe.ema_decay) == (0.973, every, decay)
    assert recipe.pictures == 600 * 1_281_167
    assert recipe.augment.erase == 0.2


def test_settings_reach_nested_keys() -> None:
    config = named_recipe(
        "small", ["optim.learning_rate=0.02", "augment.scale=0.5,1", "ema_decay=none"], spec=SPEC, seed=7
    )
    assert (config.optim.learning_rate, config.augment.scale, config.ema_decay) == (0.02, (0.5, 1.0), None)
    assert config.seed == 7


def test_case_c1_every_wrong_key_is_named_with_the_closest() -> None:
    with pytest.raises(UsageError) as caught:
        override(RECIPES["small"](), ["epoch=100", "optim.learning_rat=0.1", "batch_size =3"])
    message = str(caught.value)
    assert "'epoch'" in message
    assert "did you mean 'optim.learning_rate'" in message
    assert "did you mean 'batch_size'" in message


@pytest.mark.parametrize("setting", ["pictures=0", "optim.name=adam", "precision=8", "augment.flip=2", "batch_size=x"])
def test_values_are_checked(setting: str) -> None:
    with pytest.raises(UsageError, match=setting.partition("=")[0].partition(".")[2] or setting.partition("=")[0]):
        named_recipe("small", [setting], spec=SPEC, seed=0)


def test_case_m14_a_net_without_norms_learns_gently() -> None:
    plain, gentle = (named_recipe("small", [], spec=find(name), seed=0) for name in ("mobilenet_v2", "squeezenet_1_1"))
    assert gentle.optim.learning_rate == plain.optim.learning_rate / 8
    assert gentle.schedule.warmup_pictures == 3 * plain.schedule.warmup_pictures
    asked = named_recipe("small", ["optim.learning_rate=0.003"], spec=find("squeezenet_1_1"), seed=0)
    assert asked.optim.learning_rate == 0.003


@pytest.mark.parametrize(("name", "share"), [("mobilenet_v2@resolution=64", 1.0), ("mobilenet_v2@resolution=128", 0.8)])
def test_a_net_that_ends_in_a_tiny_map_is_trained_at_the_resolution_it_is_used_at(name: str, share: float) -> None:
    """At 64 pixels the map is 2x2: what was learned at 48 did not hold there; at 128 it is 4x4."""
    assert named_recipe("small", [], spec=find(name), seed=0).resolution_steps == (share,)
