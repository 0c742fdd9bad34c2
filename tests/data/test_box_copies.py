"""Sets with boxes, packed into shards and written anew by ``check --fix``: the boxes stay."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.dataset import Dataset
from edgesmith.data.fix import LIST_NAME, fix
from edgesmith.data.pack import pack
from edgesmith.data.samples import Sample
from tests.data.box_sets import write_coco
from tests.data.builders import encode, noise, write_tar


@pytest.fixture
def rectangles(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "set", {"train": 9, "val": 4})


def boxes_by_pixels(dataset: Dataset, split: str) -> dict[bytes, list[tuple[float, ...]]]:
    """What each picture holds, whatever it is called."""

    def rounded(sample: Sample) -> list[tuple[float, ...]]:
        return sorted((b.label, *(round(v, 4) for v in (b.left, b.top, b.right, b.bottom))) for b in sample.boxes)

    return {dataset.source.read(sample.name): rounded(sample) for sample in dataset.samples(split)}


def test_packed_boxes_come_back(rectangles: Path, tmp_path: Path) -> None:
    before = datasets.open(rectangles)
    packed = pack(before, tmp_path / "shards", shard_bytes=20_000)
    assert packed.num_images == 13
    assert packed.shards["train"] > 1
    after = datasets.open(tmp_path / "shards")
    assert (after.task, after.classes) == ("detection", ("red", "blue"))
    for split in ("train", "val"):
        assert boxes_by_pixels(after, split) == boxes_by_pixels(before, split)
        assert all(sample.size == (96, 72) for sample in after.samples(split))
    assert any(not sample.boxes for sample in after.samples("train")), "pictures without objects are kept"
    with tarfile.open(tmp_path / "shards" / "val-000000.tar") as archive:
        names = archive.getnames()
    assert names[:2] == ["00000000.png", "00000000.json"]


def test_the_same_set_gives_the_same_shards(rectangles: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        pack(datasets.open(rectangles), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


SHARD_FAULTS = {
    "none": ("{}", "the .json file beside it is no list of boxes: KeyError('width')"),
    "cut": ('{"width": 8, "hei', "the .json file beside it is no list of boxes: JSONDecodeError("),
    "class": (
        '{"width": 8, "height": 8, "objects": [{"label": 7, "bbox": [0, 0, 4, 4]}]}',
        "object 1 is of class 7, and classes.txt names 2, counted from 0",
    ),
    "empty": ("", "the .json file beside it is not there"),
    "absent": (None, "the .json file beside it is not there"),
}


def test_broken_boxes_in_shards_are_faults_of_their_pictures(tmp_path: Path) -> None:
    members: dict[str, bytes] = {}
    texts = {name: text for name, (text, _) in SHARD_FAULTS.items()}
    for number, (name, text) in enumerate(({"good": '{"width": 20, "height": 16, "objects": []}'} | texts).items()):
        members[f"{name}.png"] = encode(noise(seed=number), "PNG")
        if text is not None:
            members[f"{name}.json"] = text.encode()
    (tmp_path / "classes.txt").write_text("red\nblue\n")
    for split in ("train", "val"):
        write_tar(tmp_path / f"{split}-000000.tar", members)
    dataset = datasets.open(tmp_path)
    report = check(dataset)
    told = {p.file: p for p in report.problems if p.kind == "bad_annotation"}
    assert set(told) == {f"{s}/{s}-000000/{name}.png" for s in ("train", "val") for name in SHARD_FAULTS}
    for name, (_, detail) in SHARD_FAULTS.items():
        assert told[f"train/train-000000/{name}.png"].detail.startswith(detail)
    assert report.num_images == 2


def test_shards_without_any_boxes_are_one_line(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-000000.tar", {"0.png": encode(noise(), "PNG")})
    message = r"has no \.cls file beside it that tells its class, no \.json file with its boxes and no \.mask\.png"
    with pytest.raises(DataError, match=message) as caught:
        datasets.open(tmp_path)
    assert "\n" not in str(caught.value)
    both = {"0.png": encode(noise(), "PNG"), "0.jpg": encode(noise()), "0.json": b"{}"}
    write_tar(tmp_path / "train-000000.tar", both)
    with pytest.raises(DataError, match=r"has two pictures of one key: 0\.png and 0\.jpg"):
        datasets.open(tmp_path)


def test_a_cleaned_copy_keeps_boxes_and_category_ids(rectangles: Path, tmp_path: Path) -> None:
    (rectangles / "train" / "001.png").write_bytes(b"nothing")
    path = rectangles / "train" / "_annotations.coco.json"
    data = json.loads(path.read_text())
    data["annotations"][0]["bbox"] = [5, 5, -3, 2]
    path.write_text(json.dumps(data))
    before = datasets.open(rectangles)
    assert before.category_ids == (3, 90)
    done = fix(before, check(before), tmp_path / "clean")
    assert done.num_kept == 12
    assert [each.file for each in done.left_out] == ["train/001.png"]
    assert (tmp_path / "clean" / LIST_NAME).is_file()
    after = datasets.open(tmp_path / "clean")
    assert (after.task, after.classes, after.category_ids) == ("detection", ("red", "blue"), (3, 90))
    wanted = boxes_by_pixels(before, "train")
    del wanted[b"nothing"]
    assert boxes_by_pixels(after, "train") == wanted
    assert boxes_by_pixels(after, "val") == boxes_by_pixels(before, "val")
    assert not [problem for problem in check(after).problems if problem.kind == "bad_box"]


def test_a_picture_that_two_splits_list_stays_in_the_evaluation(rectangles: Path, tmp_path: Path) -> None:
    (rectangles / "val" / "001.png").rename(rectangles / "val" / "shared.png")
    val, train = (rectangles / split / "_annotations.coco.json" for split in ("val", "train"))
    val.write_text(val.read_text().replace("001.png", "shared.png"))
    data = json.loads(train.read_text())
    data["images"].append(data["images"][0] | {"id": 99, "file_name": "shared.png"})
    train.write_text(json.dumps(data))
    dataset = datasets.open(rectangles)
    assert [len(dataset.samples(split)) for split in ("train", "val")] == [10, 4]
    fixed = fix(dataset, check(dataset), tmp_path / "clean")
    assert [(each.file, each.detail) for each in fixed.left_out] == [
        ("val/shared.png", "listed in val and train; it stays in val")
    ]
    again = check(datasets.open(tmp_path / "clean"))
    assert not again.copies
    assert fixed.num_kept == again.num_images == 13
