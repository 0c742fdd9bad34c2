"""Sets with boxes, packed into shards and written anew by ``check --fix``: the boxes stay."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from edgesmith.data.check import check
from edgesmith.data.dataset import Dataset
from edgesmith.data.fix import LIST_NAME, fix
from edgesmith.data.pack import pack
from edgesmith.data.samples import Sample
from tests.data.box_sets import write_coco
from tests.data.builders import write_tar


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is no list of boxes"),
        (
            '{"width": 8, "height": 8, "objects": [{"label": 7, "bbox": [0, 0, 4, 4]}]}',
            "that classes.txt does not name",
        ),
        ("", r"has no \.cls file beside it that tells its class, no \.json file with its boxes and no \.mask\.png"),
    ],
)
def test_shards_without_what_they_need_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    (tmp_path / "classes.txt").write_text("red\nblue\n")
    write_tar(tmp_path / "train-000000.tar", {"0.png": stream.getvalue(), "0.json": text.encode()})
    with pytest.raises(DataError, match=message) as caught:
        datasets.open(tmp_path)
    assert "\n" not in str(caught.value)


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
