"""Torchvision's SSDLite under its reference recipe, or one that suits small sets better, for a given wall time.

    python -m peers.torchvision_boxes DATA --minutes 30 --out FOLDER [--backbone BUNDLE]

Run by ``dense_peers.py``. Training pictures are decoded once and kept, as edgesmith keeps them. From scratch it is
``ssdlite320_mobilenet_v3_large`` as it comes; with ``--backbone``, the same detector on a MobileNetV3-Small that
begins with the weights of that bundle. ``reference`` is the recipe of torchvision's own script (SGD, cosine, the
transforms of its preset ``ssdlite``), its rate scaled to the batch; ``adamw`` is the usual one for a few hundred
pictures.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch
import torchvision
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.models.detection import _utils as detection_utils
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead, _mobilenet_extractor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat, Image

from edgesmith.core.files import write_json
from edgesmith.data import dataset as datasets
from edgesmith.data.dataset import Dataset, load_sample
from edgesmith.data.samples import Sample
from peers.backbone import load_backbone_
from peers.loop import Recipe, train_

BATCH: Final = 24
SIDE: Final = 320
CLIP: Final = 5.0


class Pictures(torch.utils.data.Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """Decoded pictures with their boxes in pixels and labels from 1."""

    def __init__(self, dataset: Dataset, samples: Sequence[Sample], transform: Any) -> None:
        self._items = [decoded(dataset, sample) for sample in samples]
        self._transform = transform

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        image, target = self._items[index]
        image, target = self._transform(image, dict(target))
        return image, target


def decoded(dataset: Dataset, sample: Sample) -> tuple[Image, dict[str, Tensor]]:
    """One picture as torchvision's transforms want it."""
    picture, sample, _ = load_sample(dataset, sample)
    image = F.to_image(picture)
    height, width = image.shape[-2:]
    rows = [box for box in sample.boxes if not box.crowd]
    corners = torch.tensor([[box.left, box.top, box.right, box.bottom] for box in rows]).reshape(-1, 4)
    boxes = BoundingBoxes(
        corners * torch.tensor([width, height] * 2), format=BoundingBoxFormat.XYXY, canvas_size=(height, width)
    )
    return image, {"boxes": boxes, "labels": torch.tensor([box.label + 1 for box in rows], dtype=torch.int64)}


def collate(rows: Sequence[tuple[Tensor, dict[str, Tensor]]]) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Pictures of one batch may differ in size: the network resizes them."""
    return [image for image, _ in rows], [target for _, target in rows]


def training_transforms(recipe: str) -> Any:
    """Its preset ``ssdlite``; the other recipe adds flips and colour."""
    more = [] if recipe == "reference" else [v2.RandomVerticalFlip(), v2.ColorJitter(0.3, 0.3, 0.3)]
    return v2.Compose(
        [
            v2.RandomIoUCrop(),
            v2.RandomHorizontalFlip(),
            *more,
            v2.ToDtype(torch.float32, scale=True),
            v2.SanitizeBoundingBoxes(),
        ]
    )


def make_detector(num_classes: int, backbone: Path | None) -> nn.Module:
    """Its V3-Large from scratch, or the same construction on a V3-Small with trained weights."""
    if backbone is None:
        large: nn.Module = torchvision.models.detection.ssdlite320_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=num_classes + 1
        )
        return large
    norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    small = torchvision.models.mobilenet_v3_small(weights=None, norm_layer=norm)
    load_backbone_(small, backbone)
    features = _mobilenet_extractor(small, 6, norm)
    channels = detection_utils.retrieve_out_channels(features, (SIDE, SIDE))
    anchors = DefaultBoxGenerator([[2, 3] for _ in range(6)], min_ratio=0.2, max_ratio=0.95)
    head = SSDLiteHead(channels, anchors.num_anchors_per_location(), num_classes + 1, norm)
    detector: nn.Module = SSD(
        features, anchors, (SIDE, SIDE), num_classes + 1, head=head, score_thresh=0.001, nms_thresh=0.55,
        detections_per_img=300, topk_candidates=300, image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    return detector


def cosine(share: float) -> float:
    """From 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * share))


RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        "reference": Recipe(
            make=partial(torch.optim.SGD, momentum=0.9, weight_decay=4e-5),
            rate=0.15 * BATCH / (8 * 24),  # theirs is for 8 x 24 pictures
            decay=cosine,
            clip=CLIP,
        ),
        "adamw": Recipe(
            make=partial(torch.optim.AdamW, weight_decay=0.05), rate=1e-3, decay=cosine, clip=CLIP, norm_momentum=0.1
        ),
    }
)


def loss_of(net: nn.Module, images: list[Tensor], targets: list[dict[str, Tensor]]) -> Tensor:
    """What the network's own matching and losses give, summed."""
    return sum(net(images, targets).values(), torch.zeros(()))


@torch.inference_mode()
def evaluate(net: nn.Module, dataset: Dataset) -> dict[str, float]:
    """COCO's mAP on the split that results are reported of, in pixels of the pictures."""
    from torchmetrics.detection import MeanAveragePrecision

    metric = MeanAveragePrecision(backend="faster_coco_eval")
    metric.warn_on_many_detections = False
    net.eval()
    for sample in dataset.samples(dataset.evaluation_split()):
        image, target = decoded(dataset, sample)
        metric.update(net([F.to_dtype(image, torch.float32, scale=True)]), [target])
    found = metric.compute()
    return {"map": float(found["map"]), "map_50": float(found["map_50"])}


def main() -> None:
    parser = argparse.ArgumentParser(description="Train torchvision's SSDLite for a given time.")
    parser.add_argument("data")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--recipe", choices=RECIPES, default="adamw")
    parser.add_argument("--backbone", type=Path, help="bundle of MobileNetV3-Small")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    dataset = datasets.open(options.data, seed=options.seed)
    pictures = Pictures(dataset, dataset.samples("train"), training_transforms(options.recipe))
    loader: DataLoader[Any] = DataLoader(
        pictures, BATCH, shuffle=True, drop_last=True, num_workers=1, collate_fn=collate,
        persistent_workers=True,
    )  # fmt: skip
    net = make_detector(len(dataset.classes), options.backbone).to(memory_format=torch.channels_last)
    seen = train_(net, loader, partial(loss_of, net), RECIPES[options.recipe], 60 * options.minutes)
    write_json(options.out / "result.json", evaluate(net, dataset) | {"pictures": seen})


if __name__ == "__main__":
    main()
