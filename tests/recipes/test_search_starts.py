"""Where a search begins."""

from __future__ import annotations

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.zoo.names import find
from edgesmith.recipes.search_starts import starting_points
from edgesmith.search.limited import LimitedSpace

SPACE = find_space("mobilenet_v3_small", resolutions=(64, 96), num_classes=10)
SMALL = find("mobilenet_v3_small@resolution=96").with_num_classes(10)


def limited(share: float) -> LimitedSpace:
    """What has at most a share of V3-Small's multiply-adds at 96 pixels."""
    most = share * count_total(SMALL).madds

    def keeps(point: Encoding) -> bool:
        return count_total(SPACE.decode(point)).madds <= most

    return LimitedSpace(SPACE, keeps)


def test_a_network_of_the_zoo_is_a_point_at_every_resolution() -> None:
    points = starting_points(SPACE, limited(1.0), [SMALL])
    nets = [SPACE.decode(point) for point in points]
    assert [net.resolution for net in nets] == [(96, 96), (64, 64)]
    assert all(net.blocks == SMALL.blocks for net in nets)


def test_beside_one_that_is_too_slow_there_are_some_that_differ_in_one_choice() -> None:
    within = limited(0.97)
    first, second, third = starting_points(SPACE, within, [SMALL])
    assert all(within.allows(point) for point in (first, second, third))
    whole = SPACE.encode(SMALL)
    for point in (first, second):
        assert sum(a != b for a, b in zip(point, whole, strict=True)) == 1
    assert SPACE.decode(third).resolution == (64, 64)


def test_networks_of_other_spaces_are_passed_over_and_there_are_not_too_many() -> None:
    assert starting_points(SPACE, limited(1.0), [find("mobilenet_v2@resolution=96").with_num_classes(10)]) == ()
    assert len(starting_points(SPACE, limited(1.0), [SMALL], count=1)) == 1
