"""Relatives are legal, distinct, repeatable, and share blocks."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.seed import generator
from edgesmith.devices.blocks.population import FAMILIES, HEAVIEST, LIGHTEST, draw_ancestors, draw_relatives, relative
from edgesmith.devices.blocks.sandwich import pieces_of


def drawn(seed: int, count: int) -> list[NetSpec]:
    ancestors = draw_ancestors(generator(seed, "ancestors"))
    return list(islice(draw_relatives(ancestors, generator(seed, "fit")), count))


@pytest.mark.parametrize("seed", range(5))
def test_ancestors_are_one_a_family_and_spread_over_the_costs(seed: int) -> None:
    ancestors = draw_ancestors(generator(seed, "ancestors"))
    assert [spec.name.partition("@")[0] for spec in ancestors] == list(FAMILIES)
    madds = sorted(count_total(spec).madds for spec in ancestors)
    assert LIGHTEST / 1.5 < madds[0] < madds[-1] < HEAVIEST * 1.5
    assert madds[-1] / madds[0] > 2.5
    assert max(b / a for a, b in pairwise(madds)) < 2.5


@pytest.mark.parametrize("name", [*FAMILIES, "mobilenet_v4_conv_medium", "mobilenet_v3_small_minimalistic"])
def test_relatives_are_legal_nets_with_widths_in_eights(name: str) -> None:
    base, rng = find(name), generator(0, name)
    for _ in range(50):
        spec = relative(base, rng)
        trace_network(spec)
        widths = [getattr(block, key, 8) for block in spec.blocks for key in ("expand_channels", "out_channels")]
        assert all(width % 8 == 0 for width in widths)


def test_relatives_differ_in_kernels_widths_gates_and_depth() -> None:
    base, rng = find("mobilenet_v3_large"), generator(0, "variety")
    made = [relative(base, rng) for _ in range(50)]
    blocks = [block for spec in made for block in spec.blocks if block.kind == "inverted_residual"]
    assert {getattr(block, "kernel_size") for block in blocks} == {3, 5, 7}  # noqa: B009
    assert len({len(spec.blocks) for spec in made}) >= 3
    assert len({count_total(spec).madds for spec in made}) >= 45
    assert len({sum(getattr(block, "gate", None) is not None for block in spec.blocks) for spec in made}) >= 4


def test_no_relative_is_drawn_twice_and_the_seed_says_which() -> None:
    hashes = [model_hash(spec) for spec in drawn(0, 60)]
    assert len(set(hashes)) == 60
    assert hashes == [model_hash(spec) for spec in drawn(0, 60)]
    assert hashes != [model_hash(spec) for spec in drawn(1, 60)]


def test_fifty_relatives_share_their_pieces() -> None:
    specs = drawn(0, 50)
    assert len({piece.key for spec in specs for piece in pieces_of(spec)}) < 320
    assert sum(len(pieces_of(spec)) for spec in specs) > 800
