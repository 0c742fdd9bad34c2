"""Pascal VOC's boxes: lists, difficult objects, and files that are none."""

from __future__ import annotations

from pathlib import Path

from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.fix import fix
from tests.data.box_sets import HEIGHT, WIDTH, paint

OBJECT = (
    "<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
    "<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
)


def xml(*objects: tuple[str, tuple[int, int, int, int], int]) -> str:
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    rows = "".join(OBJECT.format(name=name, box=box, difficult=difficult) for name, box, difficult in objects)
    return f"<annotation>{size}{rows}</annotation>"


def write_voc(root: Path, files: dict[str, str], lists: dict[str, str]) -> Path:
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, (stem, text) in enumerate(files.items()):
        paint([], number).save(root / "JPEGImages" / f"{stem}.png")
        (root / "Annotations" / f"{stem}.xml").write_text(text)
    for split, text in lists.items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text(text)
    return root


CAT = xml(("cat", (10, 10, 40, 40), 0))
DOG = xml(("dog", (10, 10, 40, 40), 0))


def test_difficult_objects_are_crowds(tmp_path: Path) -> None:
    both = xml(("cat", (10, 10, 40, 40), 1), ("dog", (1, 2, 30, 40), 0))
    dataset = datasets.open(write_voc(tmp_path, {"a": both, "b": CAT}, {"train": "a\n", "val": "b\n"}))
    assert [(box.label, box.crowd) for box in dataset.samples("train")[0].boxes] == [(0, True), (1, False)]
    report = check(dataset)
    assert report.boxes is not None
    assert (report.boxes.num_boxes, report.boxes.num_crowds) == (2, 1)
    assert report.splits["train"] == {"cat": 0, "dog": 1}, "a crowd teaches nothing of its class"
    assert [p.detail for p in report.problems if p.kind == "empty_class"] == [
        "class 'cat' has no box in train; it keeps its place in the class list and cannot be learned"
    ]


def test_what_lists_name_and_is_not_there_is_remarked(tmp_path: Path) -> None:
    lists = {"train": "a 1\nlost\n\n", "val": "b\na\n"}
    dataset = datasets.open(write_voc(tmp_path, {"a": CAT, "b": DOG}, lists))
    found = [(problem.kind, problem.file, problem.detail) for problem in dataset.problems[:2]]
    assert found == [
        ("missing", "Annotations/lost.xml", "ImageSets/Main/train.txt lists lost; passed over"),
        ("duplicate", "Annotations/a.xml", "listed in train and val; it counts as val"),
    ]
    assert {split: len(samples) for split, samples in dataset.splits.items()} == {"val": 2}


def test_broken_files_are_faults_of_their_pictures(tmp_path: Path) -> None:
    files = {"a": CAT, "b": DOG, "cut": CAT[:-20], "page": "<html>404", "d": CAT, "e": DOG}
    nameless = xml(("", (10, 10, 40, 40), 0), ("dog", (5, 5, 9, 9), 0))
    lists = {"train": "a b cut page nameless".replace(" ", "\n"), "val": "d\ne\n"}
    dataset = datasets.open(write_voc(tmp_path / "set", files | {"nameless": nameless}, lists))
    report = check(dataset)
    assert {(p.kind, p.file) for p in report.problems if p.severity == "error"} == {
        ("bad_annotation", "JPEGImages/cut.png"),
        ("bad_annotation", "JPEGImages/page.png"),
    }
    assert "Annotations/cut.xml is no XML" in next(p.detail for p in report.problems if p.file.endswith("cut.png"))
    assert [p.detail for p in report.problems if p.file.endswith("nameless.png")] == [
        "object 1: it has no name; left out"
    ]
    assert dataset.classes == ("cat", "dog")
    fixed = fix(dataset, report, tmp_path / "clean")
    assert (fixed.num_kept, {each.file for each in fixed.left_out}) == (
        5,
        {"JPEGImages/cut.png", "JPEGImages/page.png"},
    )
    assert check(datasets.open(tmp_path / "clean")).ok


def test_of_two_pictures_of_one_name_the_first_has_the_boxes(tmp_path: Path) -> None:
    write_voc(tmp_path, {"a": CAT, "b": DOG}, {"train": "a\n", "val": "b\n"})
    paint([], 7).save(tmp_path / "JPEGImages" / "a.jpg")
    dataset = datasets.open(tmp_path)
    assert dataset.samples("train")[0].name == "JPEGImages/a.jpg"
    assert [(p.kind, p.file) for p in dataset.problems[:1]] == [("duplicate", "JPEGImages/a.png")]
