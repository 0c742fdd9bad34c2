"""The space that a search looks in."""

from __future__ import annotations

import pytest

from edgesmith.arch.space.presets import SEEDS, SPACES
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.recipes.search_space import space_for
from tests.recipes.formulas import ZOO


def test_the_space_has_the_padding_and_norms_of_the_zoo() -> None:
    zoo = (find("mobilenet_v3_small@resolution=32,padding=same,preset=timm_tf"),)
    space = space_for("auto", zoo, resolutions=(32,), num_classes=zoo[0].num_classes)
    assert space.contains(zoo[0])
    assert not space.contains(ZOO[0])


@pytest.mark.parametrize("name", [*SPACES, "auto"])
def test_spaces_by_name_and_by_the_zoo(name: str) -> None:
    space = space_for(name, ZOO, resolutions=(32,), num_classes=10)
    assert space.name in SEEDS
    assert find(SEEDS[space.name])


def test_where_the_zoos_net_has_no_space_the_choices_are_named() -> None:
    with pytest.raises(UsageError, match="choose one of mobilenet_v3_large"):
        space_for("auto", [find("squeezenet_1_1")], resolutions=(32,), num_classes=10)
