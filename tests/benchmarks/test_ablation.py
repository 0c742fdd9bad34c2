"""The ablation's variants differ from the published net in what their names say, and its table is right by hand."""

from __future__ import annotations

import ablation
import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.names import Activation
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find

LARGE = find("mobilenet_v3_large")


def edited(name: str) -> NetSpec:
    return ablation.VARIANTS[name].edit(LARGE)


def test_every_variant_but_the_published_net_is_another_network() -> None:
    hashes = {model_hash(edited(name)) for name in ablation.VARIANTS}
    assert len(hashes) == len(ablation.VARIANTS)
    assert model_hash(LARGE) in hashes


@pytest.mark.parametrize(("name", "first"), [("h-swish from 16 channels", 1), ("h-swish from 112 channels", 11)])
def test_h_swish_begins_where_the_channels_say(name: str, first: int) -> None:
    activations = [getattr(block, "activation", None) for block in edited(name).blocks[1:-1]]
    assert activations.index(Activation.HARD_SWISH) + 1 == first


@pytest.mark.parametrize(
    ("name", "least", "most"), [("stem 32", 5e6, 11e6), ("last stage original", 30e6, 36e6), ("SE none", -3e6, 0)]
)
def test_edits_cost_what_the_paper_says(name: str, least: float, most: float) -> None:
    """10M multiply-adds for the stem with its block, 30M for the last stage, next to none for gates."""
    assert least <= count_total(edited(name)).madds - count_total(LARGE).madds <= most


def test_differences_are_taken_seed_by_seed() -> None:
    """Differences of 1 and 3 points: mean 2, half the interval 12.706 * 1.414 / 1.414."""
    trained = [
        {"variant": name, "seed": seed, "top1": top1}
        for name, scores in (("as published", (0.80, 0.82)), ("stem 32", (0.81, 0.85)))
        for seed, top1 in enumerate(scores)
    ]
    timed = [{"variant": "stem 32", "ms": 5.0, "low_ms": 4.9, "high_ms": 5.1, "contended": True}]
    lines = ablation.describe(trained, timed, ["as published", "stem 32"])
    assert lines[2] == "| as published | 81.0% |  | - | 75.2 %, 51.4 ms |"
    assert lines[3] == "| stem 32 | 83.0% | +2.0 (-10.7 to +14.7) | 5.00 (4.90 to 5.10)* | as accurate, +2 ms |"
