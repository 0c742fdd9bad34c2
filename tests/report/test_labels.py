from __future__ import annotations

import pytest

from edgesmith.report.labels import Box, Spot, choose_spot

ROOM = Box(left=0, top=0, right=400, bottom=200)
WORDS = "98.9 %, 0.53 ms"
RIGHT, LEFT, ABOVE = Spot(x=200, y=100), Spot(x=180, y=100, anchor="end"), Spot(x=190, y=60, anchor="middle")


def test_areas_are_those_of_rectangles() -> None:
    one, other = Box(left=0, top=0, right=4, bottom=3), Box(left=2, top=1, right=9, bottom=9)
    assert one.area_px == 12
    assert one.shared_px(other) == other.shared_px(one) == 4
    assert one.shared_px(Box(left=4, top=0, right=5, bottom=3)) == 0


def test_words_reach_from_where_they_are_anchored() -> None:
    start, middle, end = (Spot(x=50, y=20, anchor=anchor).box("abcd") for anchor in ("start", "middle", "end"))
    assert start.left == end.right == 50
    assert middle.left + middle.right == 100
    assert start.right - start.left == middle.right - middle.left == end.right - end.left > 20


@pytest.mark.parametrize(
    ("room", "taken", "chosen"),
    [
        (ROOM, [], RIGHT),
        (ROOM, [Box(left=220, right=226, top=0, bottom=200)], LEFT),
        (Box(left=0, top=0, right=260, bottom=200), [], LEFT),
        (
            ROOM,
            [Box(left=220, right=226, top=80, bottom=200), Box(left=100, right=120, top=90, bottom=110)],
            ABOVE,
        ),
        (
            Box(left=150, top=80, right=330, bottom=200),
            [Box(left=300, right=302, top=0, bottom=200)],
            RIGHT,
        ),
    ],
)
def test_the_first_spot_is_taken_that_hides_nothing(room: Box, taken: list[Box], chosen: Spot) -> None:
    assert choose_spot(WORDS, [RIGHT, LEFT, ABOVE], room=room, taken=taken) == chosen
