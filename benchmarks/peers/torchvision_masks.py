"""Torchvision's LR-ASPP under its reference recipe, or one that suits small sets better, for a given wall time.

    python -m peers.torchvision_masks DATA --minutes 40 --out FOLDER [--backbone BUNDLE]

Run by ``dense_peers.py``. Training pictures are decoded once and kept, as edgesmith keeps them. The network is
torchvision's LR-ASPP on MobileNetV3-Small or Large; with ``--backbone`` a Small that begins with the weights of that
bundle. ``reference`` is the recipe of torchvision's own script (SGD, the polynomial schedule, pictures of half to twice
their size, square crops), its rate scaled to the batch; ``adamw`` is the usual one for a few hundred pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as nnf
from torch.utils.data import DataLoader
from torchvision.models.segmentation.lraspp import _lraspp_mobilenetv3
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import Image, Mask

from edgesmith.core.files import write_json
from edgesmith.data import dataset as datasets
from edgesmith.data.dataset import Dataset, load_sample
from edgesmith.data.masks import IGNORE
from edgesmith.data.samples import Sample
from edgesmith.tasks.segmentation import Segmentation
from peers.backbone import load_backbone_
from peers.loop import Recipe, train_

BATCH: Final = 8
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CROP: Final = 0.9  # of the short side


class Pictures(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """Decoded pictures with their masks."""

    def __init__(self, dataset: Dataset, samples: Sequence[Sample]) -> None:
        self._items = [decoded(dataset, sample) for sample in samples]
        height, width = self._items[0][0].shape[-2:]
        short = min(height, width)
        self._transform = v2.Compose(
            [
                v2.RandomResize(round(0.5 * short), 2 * short, antialias=True),
                v2.RandomHorizontalFlip(),
                v2.RandomCrop(round(_CROP * short), pad_if_needed=True, fill={Image: 0, Mask: IGNORE}),
                v2.ToDtype({Image: torch.float32, Mask: torch.int64}, scale=True),
                v2.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, mask = self._transform(*self._items[index])
        return image, mask


def decoded(dataset: Dataset, sample: Sample) -> tuple[Image, Mask]:
    """One picture as torchvision's transforms want it."""
    image, _, mask = load_sample(dataset, sample)
    assert mask is not None
    return F.to_image(image), Mask(torch.from_numpy(np.ascontiguousarray(mask)))


def make_segmenter(num_classes: int, size: str, backbone: Path | None) -> nn.Module:
    """LR-ASPP as torchvision builds it, on a dilated MobileNetV3."""
    make = getattr(torchvision.models, f"mobilenet_v3_{size}")
    classifier = make(weights=None, dilated=True)
    if backbone is not None:
        load_backbone_(classifier, backbone)
    segmenter: nn.Module = _lraspp_mobilenetv3(classifier, num_classes)
    return segmenter


def polynomial(share: float) -> float:
    """From 1 to 0."""
    return float((1 - share) ** 0.9)


RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        "reference": Recipe(
            make=partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-6),
            rate=0.01 * BATCH / 32,  # theirs is for 32 pictures
            decay=polynomial,
        ),
        "adamw": Recipe(
            make=partial(torch.optim.AdamW, weight_decay=0.05), rate=2e-3, decay=polynomial, norm_momentum=0.1
        ),
    }
)


def loss_of(net: nn.Module, images: Tensor, masks: Tensor) -> Tensor:
    """Cross entropy of the known pixels."""
    logits = net(images.contiguous(memory_format=torch.channels_last))["out"]
    return nnf.cross_entropy(logits, masks, ignore_index=IGNORE)


@torch.inference_mode()
def evaluate(net: nn.Module, dataset: Dataset) -> dict[str, float]:
    """Mean IoU on the split that results are reported of, of masks in their own size."""
    metric = Segmentation(dataset.classes).metric()
    net.eval()
    for sample in dataset.samples(dataset.evaluation_split()):
        image, mask = decoded(dataset, sample)
        ready = F.normalize(F.to_dtype(image, torch.float32, scale=True), list(MEAN), list(STD))
        metric.update(net(ready[None])["out"], [mask.numpy()])
    return {"miou": float(metric.compute()["miou"])}


def main() -> None:
    parser = argparse.ArgumentParser(description="Train torchvision's LR-ASPP for a given time.")
    parser.add_argument("data")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--recipe", choices=RECIPES, default="adamw")
    parser.add_argument("--size", choices=("small", "large"), default="small")
    parser.add_argument("--backbone", type=Path, help="bundle of MobileNetV3-Small")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    dataset = datasets.open(options.data, seed=options.seed)
    pictures = Pictures(dataset, dataset.samples("train"))
    loader: DataLoader[Any] = DataLoader(
        pictures, BATCH, shuffle=True, drop_last=True, num_workers=1, persistent_workers=True
    )
    net = make_segmenter(len(dataset.classes), options.size, options.backbone).to(memory_format=torch.channels_last)
    seen = train_(net, loader, partial(loss_of, net), RECIPES[options.recipe], 60 * options.minutes)
    write_json(options.out / "result.json", evaluate(net, dataset) | {"pictures": seen})


if __name__ == "__main__":
    main()
