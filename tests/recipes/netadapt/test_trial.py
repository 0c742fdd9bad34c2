"""Proposals of every family become nets that answer, with the weights of what they were narrowed from."""

from __future__ import annotations

import pytest
import torch

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.nn.build import build
from edgesmith.recipes.netadapt.trial import narrowed, short
from edgesmith.recipes.training import finetune, small
from edgesmith.search.netadapt import propose

FAMILIES = (
    "mobilenet_v1@width=0.25",
    "mobilenet_v2@width=0.35",
    "mobilenet_v3_small@width=0.35",
    "mobilenet_v3_large@width=0.35",
    "mobilenet_v3_small_minimalistic@width=0.35",
    "mnasnet_a1@width=0.35",
    "mnasnet_b1@width=0.35",
    "mobilenet_v4_conv_small@width=0.35",
)


def madds(spec: NetSpec) -> float:
    return count_total(spec).madds / 1e6


@pytest.mark.parametrize("name", FAMILIES)
def test_proposals_of_every_family_answer(name: str) -> None:
    spec = find(name).with_num_classes(4).with_resolution(64)
    found = propose(spec, madds, limit_ms=0.98 * madds(spec))
    assert len(found) >= 3
    state = build(spec).state_dict()
    images = torch.rand(2, 3, 64, 64)
    for proposal in found[:: max(1, len(found) // 3)]:
        net = narrowed(state, spec, proposal.spec).eval()
        assert net(images).shape == (2, 4)
        assert sum(p.numel() for p in net.parameters()) == count_total(proposal.spec).parameters


def test_few_steps_are_made_at_a_trained_backbones_rate() -> None:
    """finetune lets the backbone learn at 0.3 of 1e-3; small knows no backbone, and is as gentle."""
    assert short(finetune(), 640).optim.learning_rate == pytest.approx(3e-4)
    assert short(small(), 640).optim.learning_rate == pytest.approx(0.3 * small().optim.learning_rate)
    few = short(finetune(), 640)
    assert few.norm_momentum == 0.3
    assert (few.pictures, few.frozen_pictures, few.ema_decay, few.replicas, few.workers) == (640, 0, None, 1, 0)
