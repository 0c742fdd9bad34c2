"""The zoo's networks are tried before a search, and the best one says around what it looks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.zoo.names import find
from edgesmith.recipes.proxy import Probe
from edgesmith.recipes.search_space import space_for
from edgesmith.recipes.zoo_first import homes_of, try_zoo
from edgesmith.search.executors.here import Here

CLASSES = 10
ZOO = tuple(
    find(f"{name}@width={width:g},resolution={side}").with_num_classes(CLASSES)
    for name, width, side in (
        ("mobilenet_v3_large", 0.6, 32),
        ("mobilenet_v3_small", 1.2, 32),
        ("mobilenet_v3_small", 0.7, 64),
    )
)
make = partial(space_for, resolutions=(32, 64), num_classes=CLASSES)
probe = Probe(
    space=make("mobilenet_v3_large", ZOO),
    data="digits.zip",
    weights="none",
    recipe="small",
    settings=(),
    pictures=1,
    scale=1.0,
    seed=0,
)


class Trainings:
    """In place of trainings: networks of more pixels score more."""

    def __init__(self) -> None:
        self.pictures: list[int] = []

    def score(self, probe: Probe, point: Encoding) -> Mapping[str, float]:
        spec = probe.space.decode(point)
        self.pictures.append(probe.pictures)
        return {"accuracy": spec.resolution[0] / 100}


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    found = Trainings()
    monkeypatch.setattr(Probe, "score", lambda self, point: found.score(self, point))
    monkeypatch.setattr(Probe, "speed", lambda *_: 300.0)
    monkeypatch.setattr(Probe, "int8_seconds", lambda *_: 0.0)
    return found


def tried(seconds: float) -> dict[str, Any]:
    return try_zoo(probe, homes_of(ZOO, make), Here(), seconds, num_pictures=1000)


def test_each_network_is_a_point_of_the_space_around_it() -> None:
    homes = homes_of((*ZOO, find("squeezenet_1_1")), make)
    assert [home.space.name for home in homes] == [
        "mobilenet_v3_large_space",
        "mobilenet_v3_small_space",
        "mobilenet_v3_small_space",
    ]
    assert [home.space.decode(home.point).resolution for home in homes] == [spec.resolution for spec in ZOO]


def test_the_best_comes_first(trainings: Trainings) -> None:
    found = tried(seconds=120)
    assert found["order"] == [ZOO[2].name, ZOO[0].name, ZOO[1].name]  # a tie is left as it was
    assert found["line"].startswith(
        f"of 3 networks of the zoo, each after {trainings.pictures[0]} pictures, {ZOO[2].name}"
    )
    assert "top-1 64.0% on the held-out part" in found["line"]
    assert len(set(trainings.pictures)) == 1
    assert 0.8 * 120 * 300 < sum(trainings.pictures) <= 120 * 300


def test_fewer_are_tried_where_all_would_be_too_little_for_each(trainings: Trainings) -> None:
    found = tried(seconds=2 * 6400 / 300 + 8)
    assert found["order"] == [ZOO[0].name, ZOO[1].name]
    assert min(trainings.pictures) >= 6400  # a hundred steps of 64


def test_where_the_time_is_too_short_none_is(trainings: Trainings) -> None:
    assert tried(seconds=12) == {}
    assert trainings.pictures == []
