"""The deployed form of a condensed net is compared with the trained one, and refused if it answers otherwise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgesmith.arch.edits.condense import learnable
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.data.evaluation import Crops
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.samples import Sample
from edgesmith.nn.build import Net, build
from edgesmith.nn.learned_groups import condense_, learned_matrices
from edgesmith.recipes.condensing import condense_checked


def make_crops(count: int = 8) -> Crops:
    rule = Preprocessing(height=32, width=32, resize_short=32, mean=(0.5,) * 3, std=(0.25,) * 3)
    images = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    samples = tuple(Sample(name=f"{i}.png", label=i % 10) for i in range(count))
    return Crops(images=images, samples=samples, problems=(), preprocessing=rule)


def trained(name: str) -> Net:
    torch.manual_seed(0)
    net = build(learnable(find(name)))
    condense_(learned_matrices(net), 1.0)
    return net.eval()


def test_the_two_forms_are_compared_on_the_pictures() -> None:
    made, found = condense_checked(trained("condensenet_cifar@depth=8"), make_crops())
    assert made.spec == find("condensenet_cifar@depth=8")
    assert found is not None
    assert found.relative < 1e-5
    assert found.top1_before == found.top1_after
    assert found.num_images == 8


def test_another_net_comes_back_as_it_is() -> None:
    net = build(find("mobilenet_v3_small@resolution=32")).eval()
    assert condense_checked(net, make_crops()) == (net, None)


def test_a_deployed_form_that_answers_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    net = trained("condensenet_cifar@depth=8")
    other = build(find("condensenet_cifar@depth=8")).eval()
    monkeypatch.setattr("edgesmith.recipes.condensing.condense", lambda net: other)
    with pytest.raises(WeightsError, match="condensing changed the answers by"):
        condense_checked(net, make_crops())
