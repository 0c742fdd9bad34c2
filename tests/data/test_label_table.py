from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from tests.data.builders import write_pictures


def _write(root: Path, text: str, counts: dict[str, int] | None = None) -> Path:
    write_pictures(root, counts or {"images": 4})
    (root / "labels.csv").write_text(text, encoding="utf-8")
    return root


def test_the_index_column_orders_the_classes(tmp_path: Path) -> None:
    text = '\ufeffINDEX,wnid, Name ,file\n1,n1,cat,images/000.png\n\n0,n0,"dog, big",images\\001.png\n'
    data = datasets.open(_write(tmp_path, text))
    assert data.classes == ("dog, big", "cat")
    assert {(sample.name, sample.label) for sample in data.samples("val")} == {
        ("images/000.png", 1),
        ("images/001.png", 0),
    }


def test_one_picture_a_class_is_all_for_evaluation(tmp_path: Path) -> None:
    data = datasets.open(_write(tmp_path, "index,name,file\n0,a,images/000.png\n1,b,images/001.png\n"))
    assert {split: len(samples) for split, samples in data.splits.items()} == {"val": 2}
    assert data.notes == ("one picture a class: no split can be made, all are for evaluation",)
    assert [problem.file for problem in data.problems] == ["images/002.png", "images/003.png"]


def test_several_pictures_a_class_are_cut_as_class_folders_are(tmp_path: Path) -> None:
    rows = [f"{i % 2},{'ab'[i % 2]},images/{i:03d}.png" for i in range(10)]
    data = datasets.open(_write(tmp_path, "\n".join(["index,name,file", *rows]), {"images": 10}))
    assert (data.class_counts("train"), data.class_counts("val")) == ({"a": 4, "b": 4}, {"a": 1, "b": 1})


def test_files_under_split_folders_belong_to_the_split(tmp_path: Path) -> None:
    rows = "0,a,train/000.png\n1,b,train/001.png\n0,a,val/000.png\n2,z,val/001.png\n"
    data = datasets.open(_write(tmp_path, "index,name,file\n" + rows, {"train": 2, "val": 2}))
    assert {split: len(samples) for split, samples in data.splits.items()} == {"train": 2, "val": 2}
    assert data.extra_classes == ("z",)


def test_a_table_inside_a_wrapping_folder_is_found(tmp_path: Path) -> None:
    _write(tmp_path / "set", "index,name,file\n0,a,images/000.png\n")
    assert datasets.open(tmp_path).samples("val")[0].name == "set/images/000.png"


def test_shared_names_and_gaps_in_the_index(tmp_path: Path) -> None:
    data = datasets.open(_write(tmp_path, "index,name,file\n0,crane,images/000.png\n2,crane,images/001.png\n"))
    assert data.classes == ("crane (0)", "unnamed 1", "crane (2)")
    assert data.empty_classes == ("unnamed 1",)


def test_a_listed_file_that_is_missing_is_a_problem(tmp_path: Path) -> None:
    text = "index,name,file\n0,a,images/000.png\n1,b,images/gone.png\n1,b,../../etc/passwd\n"
    data = datasets.open(_write(tmp_path, text, {"images": 1}))
    assert [(p.kind, p.file, p.severity) for p in data.problems] == [
        ("missing", "images/gone.png", "error"),
        ("missing", "../../etc/passwd", "error"),
        ("empty_class", "b", "warning"),
    ]
    assert data.empty_classes == ("b",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "lacks the column index, name, file"),
        ("index,label,file\n", "lacks the column name"),
        ("index,name,file\n0,a\n", "line 2 has 2 cells; 3 are needed"),
        ("index,name,file\nx,a,images/000.png\n", "line 2: index must be a whole number from 0 to 99999, got 'x'"),
        ("index,name,file\n-1,a,images/000.png\n", "got '-1'"),
        ("index,name,file\n100000,a,images/000.png\n", "got '100000'"),
        ("index,name,file\n0,a,images/000.png\n0,b,images/001.png\n", "calls index 0 both 'a' and 'b'"),
        ("index,name,file\n0,a,images/000.png\n1,b,images/000.png\n", r"line 3 lists 'images/000\.png' a second time"),
        ("index,name,file\n0,a,pictures/000.png\n", "lists 1 files and none of them is in"),
    ],
)
def test_a_malformed_table_names_the_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(DataError, match=rf"labels\.csv.*{reason}"):
        datasets.open(_write(tmp_path, text))


def test_files_inside_and_outside_splits_are_refused(tmp_path: Path) -> None:
    text = "index,name,file\n0,a,train/000.png\n0,a,images/000.png\n"
    with pytest.raises(DataError, match="both inside and outside"):
        datasets.open(_write(tmp_path, text, {"train": 1, "images": 1}))


def test_imagenet_sample_is_a_thousand_classes(shared_dir: Path) -> None:
    data = datasets.open(shared_dir / "data" / "imagenet-sample-1k")
    assert (len(data.classes), len(set(data.classes)), len(data.samples("val"))) == (1000, 1000, 1000)
    assert (data.classes[0], data.classes[134]) == ("tench", "crane (134)")
    assert data.problems == ()
