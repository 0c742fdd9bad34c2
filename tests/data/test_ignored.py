"""Values of masks that count in nothing, said beside a set's place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgesmith.cli.main import run
from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.dataset import load_sample
from edgesmith.data.ignored import with_ignored
from edgesmith.data.masks import IGNORE
from edgesmith.data.pack import pack
from edgesmith.data.sources import absolute_data
from edgesmith.data.wishes import Wishes, split_wishes
from tests.data.builders import write_pictures
from tests.data.shapes import CLASSES, VOID, write_shapes


@pytest.fixture
def unnamed(tmp_path: Path) -> Path:
    """A set whose file of classes does not say that 9 is nothing."""
    root = write_shapes(tmp_path / "shapes", {"train": 3, "val": 2})
    (root / "classes.json").write_text(json.dumps({"names": CLASSES}))
    return root


@pytest.mark.parametrize("values", ["11", "11,255", "0"])
def test_they_stand_behind_the_place_and_come_off_again(values: str) -> None:
    place, wishes = split_wishes(with_ignored("sets/cam#1", values))
    assert (place, wishes.ignore_index) == ("sets/cam#1", tuple(map(int, values.split(","))))
    assert with_ignored("sets/cam#1", None) == "sets/cam#1"
    assert split_wishes("sets/cam#1") == ("sets/cam#1", Wishes())


@pytest.mark.parametrize("values", ["", "void", "256", "-1", "11,", "1.0"])
def test_what_is_no_value_is_refused(values: str) -> None:
    with pytest.raises(UsageError, match="--ignore-index must be values of masks from 0 to 255"):
        with_ignored("sets/cam", values)


def test_pixels_of_these_values_say_nothing(unnamed: Path) -> None:
    plain = datasets.open(unnamed)
    assert not check(plain).ok
    told = datasets.open(absolute_data(with_ignored(str(unnamed), str(VOID))))
    assert check(told).ok
    _, _, mask = load_sample(told, told.samples("train")[0])
    assert mask is not None
    assert set(np.unique(mask[0])) == {IGNORE}


def test_shards_keep_what_was_said(unnamed: Path, tmp_path: Path) -> None:
    told = datasets.open(with_ignored(str(unnamed), str(VOID)))
    pack(told, tmp_path / "shards", shard_bytes=10**6, seed=0)
    packed = datasets.open(tmp_path / "shards")
    assert check(packed).ok
    _, _, mask = load_sample(packed, packed.samples("val")[0])
    assert mask is not None
    assert set(np.unique(mask[0])) == {IGNORE}


def test_a_class_that_is_ignored_is_none(unnamed: Path) -> None:
    told = datasets.open(with_ignored(str(unnamed), "9,1"))
    assert told.classes == ("ground", "disc")
    assert told.notes == ("pixels of square count in nothing (ignore_index); 2 classes are left",)
    report = check(told)
    assert report.ok
    assert report.pixels is not None
    assert set(report.pixels.classes) == {"ground", "disc"}


def test_a_set_without_masks_has_no_values(tmp_path: Path) -> None:
    write_pictures(tmp_path / "set", {"train/cat": 2, "train/dog": 2})
    with pytest.raises(UsageError, match="has no masks"):
        datasets.open(with_ignored(str(tmp_path / "set"), "255"))


def test_the_command_line_takes_them(unnamed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(unnamed), "--json"]) == 1
    assert "--ignore-index" in capsys.readouterr().out
    assert run(["check", str(unnamed), "--ignore-index", str(VOID), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]
