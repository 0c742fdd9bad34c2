"""The peers train and score, from the same backbone weights as we do; the table sets them side by side."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import dense_peers
import pytest
import torch
import torchvision
from peers import torchvision_boxes, torchvision_masks
from peers.backbone import fill_features_
from peers.loop import train_
from torch.utils.data import DataLoader

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.data import dataset as datasets
from edgesmith.nn.build import build
from tests.data.box_sets import write_coco
from tests.data.shapes import write_shapes


def test_backbones_begin_alike() -> None:
    """The last map of both is the same, in training and beyond."""
    ours = build(find("mobilenet_v3_small"), seed=0).eval()
    theirs = torchvision.models.mobilenet_v3_small(weights=None).eval()
    fill_features_(theirs, ours.state_dict())
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    last: list[torch.Tensor] = []
    ours.blocks[-1].register_forward_hook(lambda _block, _x, answer: last.extend(answer))
    with torch.no_grad():
        ours(images)
        torch.testing.assert_close(theirs.features(images), last[0], rtol=1e-4, atol=1e-6)
    with pytest.raises(WeightsError, match="import a MobileNetV3-Small"):
        fill_features_(torchvision.models.mobilenet_v3_large(weights=None), ours.state_dict())


@pytest.mark.parametrize("recipe", dense_peers.RECIPES)
def test_boxes(recipe: str, tmp_path: Path) -> None:
    """Boxes are in pixels of their pictures, labels count from 1: what is true scores 1."""
    dataset = datasets.open(write_coco(tmp_path, {"train": 8, "test": 4}))
    pictures = torchvision_boxes.Pictures(
        dataset, dataset.samples("train"), torchvision_boxes.training_transforms(recipe)
    )
    loader: Any = DataLoader(pictures, 4, drop_last=True, collate_fn=torchvision_boxes.collate)
    net = torchvision_boxes.make_detector(len(dataset.classes), None)
    losses = partial(torchvision_boxes.loss_of, net)
    assert train_(net, loader, losses, torchvision_boxes.RECIPES[recipe], 0.5) >= 4
    assert 0 <= torchvision_boxes.evaluate(net, dataset)["map_50"] <= 1

    class Knows(torch.nn.Module):
        def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
            target = torchvision_boxes.decoded(dataset, next(samples))[1]
            return [{**target, "scores": torch.ones(len(target["labels"]))}]

    samples = iter(dataset.samples("test"))
    assert torchvision_boxes.evaluate(Knows(), dataset)["map"] == pytest.approx(1.0)


@pytest.mark.parametrize("recipe", dense_peers.RECIPES)
def test_masks(recipe: str, tmp_path: Path) -> None:
    dataset = datasets.open(write_shapes(tmp_path, {"train": 16, "test": 4}))
    loader: Any = DataLoader(torchvision_masks.Pictures(dataset, dataset.samples("train")), 8, drop_last=True)
    images, masks = next(iter(loader))
    assert images.shape[-2:] == masks.shape[-2:] == (43, 43), "nine tenths of the short side"
    net = torchvision_masks.make_segmenter(len(dataset.classes), "small", None)
    losses = partial(torchvision_masks.loss_of, net)
    assert train_(net, loader, losses, torchvision_masks.RECIPES[recipe], 0.5) >= 8
    assert 0 <= torchvision_masks.evaluate(net, dataset)["miou"] <= 1


@pytest.mark.parametrize("peer", [torchvision_boxes, torchvision_masks])
def test_every_recipe_ends_at_rest(peer: Any) -> None:
    """The names are those that the benchmark runs; the rate falls from its height to nothing."""
    assert set(peer.RECIPES) == set(dense_peers.RECIPES)
    for recipe in peer.RECIPES.values():
        assert (recipe.decay(0.0), round(recipe.decay(1.0), 9)) == (1.0, 0.0)


def test_the_better_of_their_recipes_counts() -> None:
    rows = [
        {"task": "detection", "start": "scratch", "seed": seed, "arm": arm, "map": score}
        for arm, scores in {"edgesmith": (0.5, 0.6), "adamw": (0.4, 0.44), "reference": (0.1, 0.9)}.items()
        for seed, score in enumerate(scores)
    ]
    assert dense_peers.table(rows)[-1].startswith("| detection | scratch | 2 | map | 55.0 % | 50.0 % (reference) |")
    assert len(dense_peers.table(rows[:-1])[2:]) == 1, "seeds that have all arms"
    assert dense_peers.table(rows[:2])[2:] == []
