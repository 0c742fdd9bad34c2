from __future__ import annotations

import errno
import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesmith.core.errors import DataError, UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.dataset import load_picture
from edgesmith.data.evaluation import crop_pictures, evaluation_batches
from edgesmith.data.pictures import PictureError
from edgesmith.data.preprocessing import Preprocessing
from tests.data.builders import write_pictures
from tests.data.shapes import write_shapes

RULE = Preprocessing.for_resolution(16, 12)


def _open(root: Path, *, bad_pictures: str = "skip") -> datasets.Dataset:
    return datasets.open(write_pictures(root, {"val/a": 4, "val/b": 3}), bad_pictures=bad_pictures)


def test_batches_are_the_preprocessed_pictures_in_order(tmp_path: Path) -> None:
    data = _open(tmp_path)
    batches = list(evaluation_batches(data, data.samples("val"), RULE, batch_size=3))
    assert [batch.images.shape for batch in batches] == [(3, 3, 16, 12), (3, 3, 16, 12), (1, 3, 16, 12)]
    assert np.concatenate([batch.labels for batch in batches]).tolist() == [0, 0, 0, 0, 1, 1, 1]
    expected = np.stack([RULE.apply(load_picture(data, sample)) for sample in data.samples("val")])
    np.testing.assert_array_equal(np.concatenate([batch.images for batch in batches]), expected)
    assert tuple(sample for batch in batches for sample in batch.samples) == data.samples("val")


def test_crops_give_the_same_batches_again_and_again(tmp_path: Path) -> None:
    data = _open(tmp_path)
    crops = crop_pictures(data, data.samples("val"), RULE)
    assert crops.images.dtype == np.uint8
    assert crops.images.shape == (7, 16, 12, 3)
    direct = np.concatenate([b.images for b in evaluation_batches(data, data.samples("val"), RULE, batch_size=3)])
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate([batch.images for batch in crops.batches(2)]), direct)


@pytest.mark.parametrize("limit_bytes", [0, 3_000])
def test_beyond_the_limit_crops_lie_in_a_file_and_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit_bytes: int
) -> None:
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path / "cache"))
    data = datasets.open(write_shapes(tmp_path / "set", {"train": 1, "val": 5}))
    (tmp_path / "set" / "val" / "images" / "003.png").write_bytes(b"")
    here, there = (crop_pictures(data, data.samples("val"), RULE, limit_bytes=n) for n in (10**9, limit_bytes))
    np.testing.assert_array_equal(here.images, there.images)
    assert here.samples == there.samples
    assert here.masks is not None
    assert there.masks is not None
    for mine, theirs in zip(here.masks, there.masks, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert (_is_in_a_file(here.images), _is_in_a_file(there.images)) == (False, limit_bytes == 0)
    assert (_is_in_a_file(here.masks[0]), _is_in_a_file(there.masks[0])) == (False, True)
    assert list((tmp_path / "cache").iterdir()) == [], "the file has no name, so that nothing is left behind"


def _is_in_a_file(array: Any) -> bool:
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def test_without_room_for_the_file_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _start: int, _size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(DataError, match=r"no room for 0\.0 GB of decoded pictures in .*: the disk is full; free some"):
        crop_pictures(_open(tmp_path), _open(tmp_path).samples("val"), RULE, limit_bytes=0)


def test_case_d5_bad_pictures_are_left_out_and_counted(tmp_path: Path) -> None:
    data = _open(tmp_path)
    for name in ("val/a/001.png", "val/b/002.png"):
        (tmp_path / name).write_bytes(b"")
    batches = list(evaluation_batches(data, data.samples("val"), RULE, batch_size=3))
    assert [len(batch.images) for batch in batches] == [2, 3, 0]
    assert [p.file for batch in batches for p in batch.problems] == ["val/a/001.png", "val/b/002.png"]
    assert len(crop_pictures(data, data.samples("val"), RULE).problems) == 2


def test_the_policy_error_stops(tmp_path: Path) -> None:
    data = _open(tmp_path, bad_pictures="error")
    (tmp_path / "val/a/001.png").write_bytes(b"")
    with pytest.raises(PictureError, match=r"val/a/001\.png: the file is empty"):
        list(evaluation_batches(data, data.samples("val"), RULE, batch_size=3))


def test_no_samples_give_no_batches(tmp_path: Path) -> None:
    data = _open(tmp_path)
    assert list(evaluation_batches(data, (), RULE, batch_size=3)) == []
    assert crop_pictures(data, (), RULE).images.shape == (0, 16, 12, 3)
    with pytest.raises(UsageError, match="batch size must be 1 or more, got 0"):
        list(evaluation_batches(data, data.samples("val"), RULE, batch_size=0))


def test_the_evaluation_path_needs_no_torch() -> None:
    modules = "edgesmith.data.check, edgesmith.data.cache, edgesmith.data.evaluation"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
