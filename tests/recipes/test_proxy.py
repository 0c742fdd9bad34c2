"""Candidates tried by short trainings."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edgesmith.arch.space.presets import find_space
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.core.seed import generator
from edgesmith.nn.build import build
from edgesmith.recipes.proxy import Proxy, begin_point, kin, open_bench, scaled
from edgesmith.recipes.quickstart import write_digits
from edgesmith.search.cost_model import CostModel

SPACE = find_space("mobilenet_v3_small", resolutions=(32,), num_classes=10)
SMALLEST = SPACE.normal((0,) * len(SPACE.choices))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scikit-learn's digits as an archive."""
    path = tmp_path_factory.mktemp("data") / "digits.zip"
    write_digits(path)
    return path


def proxy_on(data: Path, pictures: int = 256) -> Proxy:
    """A proxy of a few steps."""
    return Proxy(
        space=SPACE,
        data=str(data),
        weights="none",
        recipe="small",
        settings=("batch_size=32",),
        pictures=pictures,
        scale=1.0,
        seed=0,
        latency=CostModel(weights=(1.0, *(0.0,) * 7)),
    )


def test_a_point_gives_the_same_numbers_twice_in_whatever_process(digits: Path) -> None:
    proxy = pickle.loads(pickle.dumps(proxy_on(digits)))
    values = proxy(SMALLEST)
    assert values == proxy_on(digits)(SMALLEST)
    assert values["ms"] == 1.0
    assert values["pictures"] == 256
    assert 0 <= values["accuracy"] <= 1


def test_the_recipe_suits_the_resolution_that_is_trained_at(digits: Path) -> None:
    """A network of 256 pixels that is tried at 64 ends in a map of 2x2, and learns at no smaller one than that."""
    space = find_space("mobilenet_v3_small", resolutions=(256,), num_classes=10)
    proxy = replace(proxy_on(digits), space=space, scale=0.25)
    net, _ = proxy.begin(space.normal((0,) * len(space.choices)))
    assert net.spec.resolution == (64, 64)
    assert proxy.config(net.spec).resolution_steps == (1.0,)
    asked = replace(proxy, settings=("resolution_steps=0.5",))
    assert asked.config(net.spec).resolution_steps == (0.5,)


def test_held_out_pictures_are_of_train_and_not_trained_on(digits: Path) -> None:
    bench = open_bench(str(digits), 0, "none")
    held = {sample.name for sample in bench.crops(proxy_on(digits).begin(SMALLEST)[1]).samples}
    train = {sample.name for sample in bench.material.dataset.samples("train")}
    assert held
    assert held <= train
    assert not held & {sample.name for sample in bench.split[0]}


def test_pictures_keep_to_the_memory_that_the_settings_allow(digits: Path) -> None:
    bench = replace(proxy_on(digits), settings=("cache_gb=0.000001",)).bench
    assert bench.material.cache_gb == 1e-6
    assert bench.material.pictures.num_kept < len(bench.material.pictures)


def test_each_layer_is_filled_by_its_own_or_the_last_of_its_stage() -> None:
    origin = find("mobilenet_v3_small")
    point = SPACE.encode(replace(origin.with_resolution(32), num_classes=10))
    assert kin(SPACE, origin, point) == tuple(range(len(origin.blocks)))
    deeper = list(point)
    place = [choice.name for choice in SPACE.choices].index("stage1.depth")
    deeper[place] = 1
    assert kin(SPACE, origin, tuple(deeper)) == (0, 1, 1, *range(2, len(origin.blocks)))


def test_trained_weights_of_the_zoos_net_fit_every_point(digits: Path) -> None:
    from edgesmith.recipes.start import Start, Starts
    from edgesmith.weights.imported import Imported

    origin = find("mobilenet_v3_small@resolution=32")
    net = build(origin, seed=1)
    bench = open_bench(str(digits), 0, "none")
    rule = proxy_on(digits).begin(SMALLEST)[1]
    imported = Imported(
        name="trained", spec=origin, state=net.state_dict(), preprocessing=rule, classes=("a",) * 1000, source="x"
    )

    class Trained(Starts):
        @property
        def origin(self) -> Imported | None:
            return imported

        def of(self, spec: object) -> Start:
            del spec
            return Start(origin=imported)

    rng = generator(0, "points")
    stem = net.state_dict()["blocks.0.conv.conv.weight"]
    for _ in range(5):
        made, _ = begin_point(SPACE, SPACE.sample(rng), Trained("none"), bench.material, seed=0)
        filters = made.state_dict()["blocks.0.conv.conv.weight"][: len(stem)]
        assert all(any(torch.equal(one, other) for other in stem) for one in filters)


def test_weights_of_another_family_are_refused_with_the_way_out() -> None:
    with pytest.raises(WeightsError, match="--weights none"):
        kin(SPACE, find("mobilenet_v2"), SMALLEST)


@pytest.mark.parametrize(("side", "scale", "wanted"), [(224, 0.7, 160), (96, 0.7, 64), (32, 0.5, 32), (24, 0.5, 24)])
def test_a_proxys_resolution_comes_in_steps_and_never_above_its_own(side: int, scale: float, wanted: int) -> None:
    assert scaled(find("mobilenet_v3_small").with_resolution(side), scale).resolution == (wanted, wanted)
