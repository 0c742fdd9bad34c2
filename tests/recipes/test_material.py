"""How much of a set is held decoded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesmith.data.preprocessing import Preprocessing
from edgesmith.recipes.material import open_material
from tests.data.builders import write_pictures
from tests.notes import Notes

PICTURE_GB = 20 * 16 * 3 / 1e9


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Seven training pictures of 960 bytes each."""
    return write_pictures(tmp_path / "set", {"train/a": 4, "train/b": 3, "val/a": 2, "val/b": 2})


def test_what_is_not_kept_decoded_is_said(data: Path) -> None:
    notes = Notes()
    limit_gb = 3.5 * PICTURE_GB
    material = open_material(data, seed=0, cache_gb=limit_gb, progress=notes)
    assert material.pictures.num_kept == 3
    assert notes.lines == [
        f"3 of 7 pictures are kept decoded (0.0 of {limit_gb:g} GB, cache_gb); the others are decoded at each use"
    ]


def test_where_all_fit_nothing_is_said(data: Path) -> None:
    notes = Notes()
    assert open_material(data, seed=0, progress=notes).pictures.num_kept == 7
    assert notes.lines == []


def test_pictures_to_be_scored_keep_to_the_limit_too(data: Path) -> None:
    rule = Preprocessing.for_resolution(16, 16)
    plenty, none = (open_material(data, seed=0, cache_gb=gigabytes) for gigabytes in (1.0, 0.0))
    first, second = (each.crops(each.dataset.samples("val"), rule).images for each in (plenty, none))
    np.testing.assert_array_equal(first, second)
