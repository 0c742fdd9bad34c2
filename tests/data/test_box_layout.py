"""Detection sets are found in the layouts that they come in, and every bad box is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from edgesmith.data.cache import decode_pictures
from edgesmith.data.check import check
from edgesmith.data.samples import Box
from tests.data.box_sets import HEIGHT, WIDTH, coco, paint, write_coco
from tests.data.builders import write_pictures


def one_picture(root: Path, data: dict[str, object], *, image: Image.Image | None = None) -> datasets.Dataset:
    """A set of the same picture in train and val."""
    for split in ("train", "val"):
        (root / split).mkdir(parents=True, exist_ok=True)
        (image or paint([], 0)).save(root / split / "a.png")
        (root / split / "_annotations.coco.json").write_text(json.dumps(data))
    return datasets.open(root)


def test_case_b3_ids_with_gaps_become_places_in_their_order(tmp_path: Path) -> None:
    data = coco({"a.png": [(1, 10, 12, 20, 24)]})
    data["categories"].append({"id": 7, "name": "unused"})
    dataset = one_picture(tmp_path, data)
    assert (dataset.task, dataset.classes) == ("detection", ("red", "unused", "blue"))
    (box,) = dataset.samples("train")[0].boxes
    assert box == Box(2, 10 / WIDTH, 12 / HEIGHT, 30 / WIDTH, 36 / HEIGHT)
    assert [problem.detail for problem in dataset.problems if "unused" in problem.detail] == [
        "class 'unused' has no box in train; it keeps its place in the class list and cannot be learned"
    ]


@pytest.mark.parametrize(
    ("bbox", "detail"),
    [
        ([10, 10, 0, 5], "annotation 1: the box 10, 10, 10, 15 has no area; left out"),
        ([10, 10, -4, 5], "annotation 1: the box 10, 10, 6, 15 has no area; left out"),
        ([float("nan"), 10, 4, 5], "annotation 1: the box nan, 10, nan, 15 is not finite; left out"),
        ([200, 10, 4, 5], "annotation 1: the box 200, 10, 204, 15 lies outside the picture; left out"),
        ([-80, 10, 90, 20], "annotation 1: it reaches 80 pixels beyond the picture; cut"),
        (
            [10, 10, 0.3, 5],
            "annotation 1: the box 10, 10, 10.3, 15 is less than half a pixel wide or high in the picture; left out",
        ),
        ([10, 10, 5], "annotation 1: the box nan, nan, nan, nan is not finite; left out"),
        ("10 10 5 5", "annotation 1: the box nan, nan, nan, nan is not finite; left out"),
        (["10", "10", "5", "5"], "annotation 1: the box nan, nan, nan, nan is not finite; left out"),
    ],
)
def test_case_b1_boxes_that_are_none_are_named_and_left_out(tmp_path: Path, bbox: object, detail: str) -> None:
    data = coco({"a.png": [(0, 1, 1, 9, 9)]})
    data["annotations"][0]["bbox"] = bbox
    dataset = one_picture(tmp_path, data)
    found = [p for p in dataset.problems if p.kind == "bad_box" and p.file == "train/a.png"]
    assert [problem.detail for problem in found] == [detail]
    boxes = dataset.samples("train")[0].boxes
    assert boxes == ((Box(0, 0.0, 10 / HEIGHT, 10 / WIDTH, 30 / HEIGHT),) if "cut" in detail else ())
    assert check(dataset).ok, "they are remarks: training goes on without them"


def test_case_b2_pictures_without_objects_stay(tmp_path: Path) -> None:
    dataset = datasets.open(write_coco(tmp_path, {"train": 8, "val": 4}))
    assert [len(dataset.samples(split)) for split in ("train", "val")] == [8, 4]
    assert sum(not sample.boxes for sample in dataset.samples("train")) == 2


def test_case_b11_a_crowd_is_marked_whatever_its_outline_is_coded_in(tmp_path: Path) -> None:
    data = coco({"a.png": [(0, 0, 0, 48, 72)]})
    data["annotations"][0] |= {"iscrowd": 1, "segmentation": {"size": [72, 96], "counts": "abc123"}}
    assert one_picture(tmp_path, data).samples("train")[0].boxes[0].crowd


@pytest.mark.parametrize(("size", "turned"), [((40, 30), True), ((30, 40), False)])
def test_case_b10_the_stated_size_says_which_way_boxes_were_drawn(
    tmp_path: Path, size: tuple[int, int], turned: bool
) -> None:
    """A picture of 40x30 stored pixels, to be turned by a quarter: 30x40 upright."""
    (tmp_path / "train").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30), "white").save(tmp_path / "train" / "a.jpg", exif=exif)
    data = coco({"a.jpg": [(0, 10, 0, 20, 15)]})
    data["images"][0] |= {"width": size[0], "height": size[1]}
    (tmp_path / "train" / "_annotations.coco.json").write_text(json.dumps(data))
    (tmp_path / "val").mkdir()
    dataset = datasets.open(tmp_path)
    image, sample, _ = datasets.load_sample(dataset, dataset.samples("train")[0])
    assert image.size == (30, 40)
    (box,) = sample.boxes
    pixels = (box.left * 30, box.top * 40, box.right * 30, box.bottom * 40)
    assert pixels == pytest.approx((15, 10, 30, 30) if turned else (10, 0, 30, 15))


def test_voc_with_lists(shared_dir: Path) -> None:
    dataset = datasets.open(shared_dir / "data" / "bccd")
    assert dataset.classes == ("Platelets", "RBC", "WBC")
    assert {split: len(samples) for split, samples in dataset.splits.items()} == {"train": 205, "val": 87, "test": 72}
    assert sum(len(s.boxes) for samples in dataset.splits.values() for s in samples) == 4155 - 2 + 372 + 361
    assert [p.detail for p in dataset.problems if p.kind == "bad_box"] == [
        "object 13: the box 504, 337, 504, 337 has no area; left out",
        "object 4: the box 181, 329, 181, 329 has no area; left out",
    ]


def test_check_counts_the_pictures_that_show_each_class(tmp_path: Path) -> None:
    for folder in ("train", "val"):
        (tmp_path / folder).mkdir()
        rows = {
            "a.png": [(0, 1, 1, 30, 30), (0, 50, 1, 30, 30)],
            "b.png": [(0, 1, 1, 30, 30), (1, 50, 1, 30, 30)],
            "c.png": [],
        }
        for number, (name, boxes) in enumerate(rows.items()):
            paint(boxes, number).save(tmp_path / folder / name)
        (tmp_path / folder / "_annotations.coco.json").write_text(json.dumps(coco(rows)))
    report = check(datasets.open(tmp_path))
    assert report.splits["train"] == {"red": 2, "blue": 1}
    assert (report.num_images, report.classes) == (6, {"red": 4, "blue": 2})


def test_coco_mini_is_what_its_readme_says(shared_dir: Path) -> None:
    dataset = datasets.open(shared_dir / "data" / "coco-mini")
    counts = {split: (len(found), sum(len(s.boxes) for s in found)) for split, found in dataset.splits.items()}
    assert counts == {"train": (128, 929), "val": (128, 898)}
    assert len(dataset.classes) == 80
    assert sum(not sample.boxes for sample in dataset.samples("train")) == 2


def test_annotations_of_no_image_and_of_no_category_are_named(tmp_path: Path) -> None:
    data = coco({"a.png": [(0, 1, 1, 9, 9), (1, 20, 20, 9, 9)], "b.png": []})
    one = {"bbox": [1, 1, 5, 5], "iscrowd": 0, "category_id": 3}
    data["annotations"] += [one | {"id": 20 + number, "image_id": 77} for number in range(7)] + [
        one | {"id": 30, "image_id": "x"},
        one | {"id": 31, "image_id": None},
        one | {"id": 32, "image_id": 1, "category_id": 5},
        one | {"id": 33, "image_id": 1, "category_id": [3]},
        "no annotation",
    ]
    dataset = one_picture(tmp_path, data)
    file = "train/_annotations.coco.json"
    told = [(p.file, p.detail) for p in dataset.problems if p.kind == "bad_box" and p.file.startswith("train")]
    assert told == [
        (file, "annotation at place 11: it names no image; left out"),
        (file, "annotation at place 14: it names no image; left out"),
        (file, "annotation 20, 21, 22, 23, 24 and 2 more: of image 77, which is not listed; left out"),
        (file, "annotation 30: of image 'x', which is not listed; left out"),
        ("train/a.png", "annotation 32: category 5 is not among the file's categories; left out"),
        ("train/a.png", "annotation 33: category [3] is not among the file's categories; left out"),
    ]
    assert len(dataset.samples("train")[0].boxes) == 2
    assert len({(p.file, p.detail) for p in check(dataset).problems if p.kind == "bad_box"}) == 12


def test_case_b10_a_picture_of_another_shape_than_its_json_says_is_left_out_by_name(tmp_path: Path) -> None:
    data = coco({"a.png": [(0, 1, 1, 9, 9)], "b.png": [(1, 1, 1, 9, 9)]})
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        paint([], 3).save(tmp_path / split / "b.png")
    data["images"][0] |= {"width": 96, "height": 96}
    data["images"][1] |= {"width": 960, "height": 720}
    dataset = one_picture(tmp_path, data)
    report = check(dataset)
    told = [(p.kind, p.file, p.detail) for p in report.problems if p.severity == "error"]
    assert told == [
        (
            "other_size",
            f"{split}/a.png",
            "its boxes were drawn on 96x96 pixels, and the picture has 96x72: another shape",
        )
        for split in ("train", "val")
    ]
    pictures = decode_pictures(dataset, dataset.samples("train"), short_side=64, limit_bytes=10**6)
    assert [problem.file for problem in pictures.problems] == ["train/a.png"]
    assert [sample.name for sample in pictures.samples] == ["train/b.png"]


def test_a_picture_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    data = coco({"a.png": [(0, 1, 1, 9, 9)]})
    data["images"].append(data["images"][0] | {"id": 2, "file_name": "copies/a.png"})
    dataset = one_picture(tmp_path, data)
    assert len(dataset.samples("train")) == 1
    assert len(dataset.samples("train")[0].boxes) == 1
    assert ("duplicate", "train/a.png") in [(problem.kind, problem.file) for problem in dataset.problems]
    data["images"][1]["id"] = 1
    problems = one_picture(tmp_path, data).problems
    assert "image 1 is listed a second time; both have all its annotations" in [problem.detail for problem in problems]


def test_figures_of_boxes_worked_by_hand(tmp_path: Path) -> None:
    """Two pictures of 96x72 pixels with the same three boxes, and one without any."""
    rows = {"a.png": [(0, 0, 0, 48, 36), (0, 1, 1, 24, 36), (1, 5, 5, 12, 12)]}
    data = coco(rows)
    crowd = data["annotations"][0] | {"id": 9, "iscrowd": 1}
    data["annotations"].append(crowd)
    report = check(one_picture(tmp_path, data))
    assert report.boxes is not None
    assert (report.boxes.num_boxes, report.boxes.num_crowds, report.boxes.per_picture) == (6, 2, (3, 3, 3))
    assert report.boxes.widths == pytest.approx((12, 15, 24, 42, 48))
    assert report.boxes.heights == pytest.approx((12, 18, 36, 36, 36))
    whole = WIDTH * HEIGHT
    assert report.boxes.areas == pytest.approx([v / whole for v in (144, 324, 864, 1512, 1728)])
    assert report.boxes.aspects == pytest.approx((2 / 3, 0.75, 1, 1.25, 4 / 3))
    assert report.pixels is None
    empty = check(one_picture(tmp_path, coco({"a.png": []}))).boxes
    assert empty is not None
    assert (empty.num_boxes, empty.per_picture, empty.widths) == (0, (0, 0, 0), None)


def test_a_picture_that_is_not_there_is_remarked(tmp_path: Path) -> None:
    data = coco({"a.png": [(0, 1, 1, 9, 9)], "lost.png": []})
    problems = one_picture(tmp_path, data).problems
    assert ("missing", "lost.png") in [(problem.kind, problem.file) for problem in problems]


def test_a_broken_file_is_told_only_where_it_would_be_of_boxes(tmp_path: Path) -> None:
    """A stray note beside class folders is nobody's business."""
    write_pictures(tmp_path / "classes", {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1})
    (tmp_path / "classes" / "notes.json").write_text("{not json")
    (tmp_path / "classes" / "labels").mkdir()
    assert datasets.open(tmp_path / "classes").task == "classification"
    one_picture(tmp_path / "boxes", coco({"a.png": [(0, 1, 1, 9, 9)]}))
    file = tmp_path / "boxes" / "val" / "_annotations.coco.json"
    file.write_text(file.read_text()[:-9])
    with pytest.raises(DataError, match=r"_annotations\.coco\.json is no JSON"):
        datasets.open(tmp_path / "boxes")


@pytest.mark.parametrize("images", [["a.png"], [{"id": 1, "file_name": "a.png", "width": "wide", "height": 5}]])
def test_json_of_another_make_is_one_line(tmp_path: Path, images: list[object]) -> None:
    with pytest.raises(DataError, match="is not as COCO has it"):
        one_picture(tmp_path, coco({"a.png": []}) | {"images": images})


def test_a_size_that_is_not_stated_is_the_pictures_own(tmp_path: Path) -> None:
    data = coco({"a.png": [(0, 48, 36, 24, 18)]})
    data["images"][0] |= {"width": None, "height": None}
    (box,) = one_picture(tmp_path, data).samples("train")[0].boxes
    assert (box.left, box.top, box.right, box.bottom) == (0.5, 0.5, 0.75, 0.75)


def test_one_class_is_enough(tmp_path: Path) -> None:
    data = coco({"a.png": [(0, 1, 1, 9, 9)]})
    data["categories"] = data["categories"][1:]
    dataset = one_picture(tmp_path, data)
    dataset.require_trainable()
    assert dataset.classes == ("red",)
