"""Boxes as COCO's JSON has them: what a cleaned copy and shards are written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from edgesmith.data.dataset import Dataset, load_picture
from edgesmith.data.samples import Box, Sample

COCO_NAME: Final = "_annotations.coco.json"


def as_coco(dataset: Dataset, pictures: Sequence[tuple[str, Sample]]) -> dict[str, Any]:
    """Images, annotations and categories; these keep the ids that the set has for them, else they count from 1.

    Args:
        dataset: With boxes.
        pictures: Name of each picture's file, and its sample.
    """
    ids = dataset.category_ids or tuple(range(1, len(dataset.classes) + 1))
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, sample) in enumerate(pictures, start=1):
        size = size_of(dataset, sample)
        images.append({"id": number, "file_name": name, "width": size[0], "height": size[1]})
        for box in sample.boxes:
            bbox = pixels_of(box, size)
            one = {"id": len(annotations) + 1, "image_id": number, "category_id": ids[box.label], "bbox": bbox}
            annotations.append(one | {"area": bbox[2] * bbox[3], "iscrowd": int(box.crowd)})
    categories = [{"id": each, "name": name} for each, name in zip(ids, dataset.classes, strict=True)]
    return {"images": images, "annotations": annotations, "categories": categories}


def size_of(dataset: Dataset, sample: Sample) -> tuple[int, int]:
    """Width and height that the boxes were drawn on; the picture's own where the set does not say.

    Raises:
        PictureError: The picture cannot be read.
    """
    return sample.size or load_picture(dataset, sample).size


def pixels_of(box: Box, size: tuple[int, int]) -> list[float]:
    """Left, top, width and height in pixels, to a thousandth."""
    left, top = box.left * size[0], box.top * size[1]
    width, height = (box.right - box.left) * size[0], (box.bottom - box.top) * size[1]
    return [round(value, 3) for value in (left, top, width, height)]
