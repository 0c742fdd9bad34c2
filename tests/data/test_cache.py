from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from edgesmith.data.cache import decode_pictures
from edgesmith.data.pictures import PictureError
from tests.data.builders import encode, noise, write_pictures

COUNTS = {"train/a": 4, "train/b": 3, "val/a": 1}
PICTURE_BYTES = 12 * 15 * 3


def _open(root: Path, *, bad_pictures: str = "skip") -> datasets.Dataset:
    return datasets.open(write_pictures(root, COUNTS), bad_pictures=bad_pictures)


def test_pictures_are_reduced_to_the_short_side(tmp_path: Path) -> None:
    data = _open(tmp_path)
    cache = decode_pictures(data, data.samples("train"), short_side=12, limit_bytes=10**9)
    assert cache.picture(0).shape == (12, 15, 3)
    assert (len(cache), cache.num_kept, cache.size_bytes) == (7, 7, 7 * PICTURE_BYTES)
    whole = decode_pictures(data, data.samples("train"), short_side=64, limit_bytes=10**9)
    np.testing.assert_array_equal(whole.picture(0), np.asarray(noise(20, 16, seed=1)))


def test_beyond_the_limit_pictures_are_decoded_to_the_same_bytes(tmp_path: Path) -> None:
    data = _open(tmp_path)
    full = decode_pictures(data, data.samples("train"), short_side=12, limit_bytes=10**9)
    part = decode_pictures(data, data.samples("train"), short_side=12, limit_bytes=3 * PICTURE_BYTES + 1)
    assert (len(part), part.num_kept, part.size_bytes) == (7, 3, 3 * PICTURE_BYTES)
    for index in range(7):
        np.testing.assert_array_equal(part.picture(index), full.picture(index))


def test_case_d5_bad_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    data = _open(tmp_path)
    (tmp_path / "train/a/001.png").write_bytes(b"")
    cache = decode_pictures(data, data.samples("train"), short_side=12, limit_bytes=10**9)
    assert [(p.kind, p.file) for p in cache.problems] == [("not_a_picture", "train/a/001.png")]
    assert len(cache) == 6
    assert "train/a/001.png" not in {sample.name for sample in cache.samples}


def test_case_d5_the_policy_error_stops_with_the_name(tmp_path: Path) -> None:
    data = _open(tmp_path, bad_pictures="error")
    (tmp_path / "train/a/001.png").write_bytes(b"<html>")
    with pytest.raises(PictureError, match=r"train/a/001\.png: a web page"):
        decode_pictures(data, data.samples("train"), short_side=12, limit_bytes=10**9)


def test_nothing_but_bad_pictures_is_an_error(tmp_path: Path) -> None:
    data = _open(tmp_path)
    (tmp_path / "val/a/000.png").write_bytes(encode(noise())[:100])
    with pytest.raises(DataError, match=r"none of the 1 pictures in .* can be decoded: val/a/000\.png: cut short"):
        decode_pictures(data, data.samples("val"), short_side=12, limit_bytes=10**9)


def test_a_subset_shares_the_arrays(tmp_path: Path) -> None:
    data = _open(tmp_path)
    (tmp_path / "train/a/001.png").write_bytes(b"")
    cache = decode_pictures(data, data.samples("train"), short_side=12, limit_bytes=10**9)
    chosen = [data.samples("train")[i] for i in (5, 1, 0)]
    part = cache.subset(chosen)
    assert part.samples == (chosen[0], chosen[2])
    assert part.picture(1) is cache.picture(0)
    assert [problem.file for problem in part.problems] == ["train/a/001.png"]
