from __future__ import annotations

import pytest

from edgesmith.runtimes.base import TensorInfo, picture_layout


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((1, 3, 224, 224), "NCHW"),
        ((None, 1, 28, 28), "NCHW"),
        ((1, 224, 160, 3), "NHWC"),
        ((1, 1000), "other"),
        ((1, 16, 8, 8), "other"),
    ],
)
def test_layout_is_told_by_the_colour_planes(shape: tuple[int | None, ...], layout: str) -> None:
    assert picture_layout(shape) == layout


def test_open_sizes_are_filled_in() -> None:
    info = TensorInfo(name="images", shape=(None, 3, None, 160), dtype="float32", layout="NCHW")
    assert info.sized(batch=2, side=96) == (2, 3, 96, 160)
    assert TensorInfo(name="x", shape=(), dtype="float32", layout="other").sized() == ()
