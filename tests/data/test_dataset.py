from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DataError, UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.dataset import load_picture
from edgesmith.data.pictures import PictureError
from tests.data.builders import tar_folder, write_pictures, zip_folder

USUAL = {"train/a": 5, "train/b": 4, "val/a": 2, "val/b": 1}


def _sizes(data: datasets.Dataset) -> dict[str, int]:
    return {split: len(samples) for split, samples in data.splits.items()}


@pytest.mark.parametrize("form", ["folder", "set.zip", "set.tar", "set.tgz"])
def test_every_form_of_a_set_opens_alike(tmp_path: Path, form: str) -> None:
    folder = write_pictures(tmp_path / "set", USUAL)
    if form == "folder":
        path, prefix = folder, ""
    elif form.endswith("zip"):
        path, prefix = zip_folder(folder, tmp_path / form), ""
    else:
        path, prefix = tar_folder(folder, tmp_path / form, prefix="wrapped"), "wrapped/"
    data = datasets.open(path)
    assert (data.task, data.classes, _sizes(data)) == ("classification", ("a", "b"), {"train": 9, "val": 3})
    assert data.samples("val")[0] == datasets.Sample(f"{prefix}val/a/000.png", 0)
    assert (data.notes, data.problems, data.num_images) == ((), (), 12)
    assert load_picture(data, data.samples("train")[8]).size == (20, 16)
    data.require_trainable()


@pytest.mark.parametrize("name", ["val", "valid", "Validation", "VAL"])
def test_split_names_in_any_spelling(tmp_path: Path, name: str) -> None:
    data = datasets.open(write_pictures(tmp_path, {"Train/a": 1, "Train/b": 1, f"{name}/a": 1, "TEST/b": 1}))
    assert _sizes(data) == {"train": 2, "val": 1, "test": 1}
    assert data.evaluation_split() == "test"


def test_two_folders_for_one_split_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'val' and 'valid' both name the val split"):
        datasets.open(write_pictures(tmp_path, {"train/a": 1, "val/a": 1, "valid/a": 1}))


def test_without_splits_a_fifth_of_each_class_becomes_val(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"a": 10, "b": 5})
    data = datasets.open(tmp_path, seed=7)
    assert data.class_counts("train") == {"a": 8, "b": 4}
    assert data.class_counts("val") == {"a": 2, "b": 1}
    assert data.notes == ("no splits: 3 of 15 pictures, a fifth of each class, are held out as val (seed 7)",)
    assert datasets.open(tmp_path, seed=7).splits == data.splits
    assert any(datasets.open(tmp_path, seed=seed).splits != data.splits for seed in range(3))


def test_train_alone_gives_a_fifth_to_val_and_train_with_test_does_not(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path / "one", {"train/a": 5, "train/b": 5}))
    assert _sizes(data) == {"train": 8, "val": 2}
    assert data.notes[0].startswith("no val or test split: 2 of 10")
    data = datasets.open(write_pictures(tmp_path / "two", {"train/a": 5, "train/b": 5, "test/a": 1}))
    assert (_sizes(data), data.notes) == ({"train": 10, "test": 1}, ())


def test_a_test_folder_without_labels_is_no_split(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, {"train/a": 5, "train/b": 5, "test": 2}))
    assert _sizes(data) == {"train": 8, "val": 2}
    assert [problem.kind for problem in data.problems] == ["stray", "stray"]


def test_val_without_any_picture_counts_as_none(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, {"train/a": 5, "train/b": 5, "val/a": 0, "val/b": 0}))
    assert _sizes(data) == {"train": 8, "val": 2}


def test_val_alone_is_a_set_for_evaluation(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, {"val/a": 2, "val/b": 1}))
    assert (data.classes, data.evaluation_split()) == (("a", "b"), "val")
    with pytest.raises(DataError, match="no training pictures in"):
        data.require_trainable()


def test_hold_out_is_of_train_alone(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, USUAL))
    rest, held = data.hold_out(0.25, seed=1)
    assert sorted((*rest, *held), key=lambda sample: sample.name) == list(data.samples("train"))
    assert [sample.label for sample in held] == [0, 1]


def test_one_wrapping_folder_is_passed_through_and_one_class_is_not(tmp_path: Path) -> None:
    write_pictures(tmp_path / "outer", {"dogs-v2/inner/a": 2, "dogs-v2/inner/b": 2, "dogs-v2/.cache": 1})
    (tmp_path / "outer" / "README.md").write_text("about")
    assert datasets.open(tmp_path / "outer").classes == ("a", "b")
    assert datasets.open(write_pictures(tmp_path / "single", {"a": 3})).classes == ("a",)


def test_deeper_folders_belong_to_their_class(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, {"train/a/monday": 1, "train/b": 1, "val/a": 1}))
    assert data.samples("train")[0] == datasets.Sample("train/a/monday/000.png", 0)


def test_case_d6_an_empty_class_keeps_its_index_and_junk_is_no_class(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"a": 5, "b": 0, "c": 5, ".ipynb_checkpoints": 1})
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "._a.jpg").write_bytes(b"x")
    data = datasets.open(tmp_path)
    assert (data.classes, data.empty_classes) == (("a", "b", "c"), ("b",))
    assert {sample.label for sample in data.samples("train")} == {0, 2}
    data.require_trainable()
    (problem,) = data.problems
    assert (problem.kind, problem.file, problem.severity) == ("empty_class", "b", "warning")


def test_case_d6_an_empty_folder_in_val_alone_is_a_warning(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, {"train/a": 1, "train/b": 1, "val/a": 1, "val/b": 0, "val/z": 0}))
    data.require_trainable()
    assert data.classes == ("a", "b")
    (problem,) = data.problems
    assert (problem.kind, problem.file, problem.severity) == ("empty_class", "val/b", "warning")


def test_case_d8_a_class_that_train_lacks_stops_training_by_name(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, {**USUAL, "val/A2": 1, "val/z": 1}))
    assert (data.classes, data.extra_classes) == (("a", "b", "A2", "z"), ("A2", "z"))
    with pytest.raises(DataError, match=r"classes 'A2', 'z' in val or test .* but not in train.* train has a, b"):
        data.require_trainable()
    assert len(data.samples(data.evaluation_split())) == 5


def test_one_class_cannot_be_trained_on(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, {"train/cat": 2, "val/cat": 1}))
    with pytest.raises(DataError, match=r"has only one class \('cat'\)"):
        data.require_trainable()


def test_no_pictures_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"no pictures in .*looked for \.jpg.*train/CLASS"):
        datasets.open(tmp_path)


def test_loose_pictures_say_that_class_folders_are_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 3 pictures, but not in class folders"):
        datasets.open(write_pictures(tmp_path, {".": 3}))


def test_stray_files_are_passed_over_and_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, {**USUAL, "sketches": 1})
    (tmp_path / "train" / "a" / "notes.txt").write_text("x")
    data = datasets.open(tmp_path)
    assert _sizes(data) == {"train": 9, "val": 3}
    assert [(p.kind, p.file, p.severity) for p in data.problems] == [
        ("stray", "sketches/000.png", "warning"),
        ("stray", "train/a/notes.txt", "warning"),
    ]


def test_a_bad_picture_names_its_whole_path(tmp_path: Path) -> None:
    write_pictures(tmp_path, USUAL)
    (tmp_path / "train" / "a" / "000.png").write_bytes(b"")
    data = datasets.open(tmp_path)
    with pytest.raises(PictureError) as caught:
        load_picture(data, data.samples("train")[0])
    assert str(caught.value) == f"{tmp_path}/train/a/000.png: the file is empty"


def test_a_file_that_went_away_is_a_bad_picture(tmp_path: Path) -> None:
    data = datasets.open(write_pictures(tmp_path, USUAL))
    (tmp_path / "train" / "a" / "000.png").unlink()
    with pytest.raises(PictureError, match="No such file") as caught:
        load_picture(data, data.samples("train")[0])
    assert caught.value.kind == "unreadable"


def test_wrong_names_list_the_choices(tmp_path: Path) -> None:
    write_pictures(tmp_path, USUAL)
    with pytest.raises(UsageError, match="unknown value of bad_pictures 'skp'; did you mean 'skip'"):
        datasets.open(tmp_path, bad_pictures="skp")
    with pytest.raises(UsageError, match="choices: train, val"):
        datasets.open(tmp_path).samples("test")


def test_flowers_are_five_classes(shared_dir: Path) -> None:
    data = datasets.open(shared_dir / "data" / "flowers")
    assert data.classes == ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    assert data.class_counts("train") == dict.fromkeys(data.classes, 300)
    assert data.class_counts("val") == dict.fromkeys(data.classes, 80)
    assert np.asarray(load_picture(data, data.samples("val")[0])).shape[2] == 3
