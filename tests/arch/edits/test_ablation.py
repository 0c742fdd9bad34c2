from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.arch.cost import count, count_total
from edgesmith.arch.edits.ablation import hswish_from, last_stage, no_se, relu_only, se, stem
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation, Skip
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError, UsageError

LARGE = find("mobilenet_v3_large")


def residuals(spec: NetSpec) -> list[InvertedResidual]:
    return [block for block in spec.blocks if isinstance(block, InvertedResidual)]


@pytest.mark.parametrize(("block", "num_swish"), [(1, 15), (7, 9), (11, 5), (16, 0)])
def test_hswish_begins_where_told(block: int, num_swish: int) -> None:
    """Paper, table 5: @16, @80 (the published net), @112, and none in the bottlenecks."""
    swish = [b.activation is Activation.HARD_SWISH for b in residuals(hswish_from(LARGE, block))]
    assert swish == [False] * (15 - num_swish) + [True] * num_swish


def test_hswish_from_block_7_is_the_published_net() -> None:
    assert hswish_from(LARGE, 7) == LARGE


def test_relu_only_leaves_linear_layers_linear() -> None:
    spec = relu_only(LARGE)
    assert {b.activation for b in residuals(spec)} == {Activation.RELU}
    assert {b.activation for b in spec.blocks if isinstance(b, Conv)} == {Activation.RELU}
    assert isinstance(spec.head, Classifier)
    assert spec.head.activation is Activation.RELU
    assert count_total(spec) == count_total(LARGE)


def test_no_se_saves_exactly_the_gates() -> None:
    spec = no_se(LARGE)
    gates = [(b.expand_channels, b.gate.squeeze_channels) for b in residuals(LARGE) if b.gate]
    weights = sum(2 * wide * narrow for wide, narrow in gates)
    assert all(b.gate is None for b in residuals(spec))
    assert count_total(LARGE).parameters - count_total(spec).parameters == weights + sum(w + n for w, n in gates)
    assert count_total(LARGE).madds - count_total(spec).madds == weights


def test_se_of_a_quarter_of_the_expansion_is_the_published_net() -> None:
    assert se(LARGE, 0.25, of="expansion") == LARGE


def test_se_of_the_input_is_mnasnets() -> None:
    """Block 5 of Large reads 40 channels, block 11 reads 80: a quarter, rounded down."""
    gates = [b.gate.squeeze_channels if b.gate else 0 for b in residuals(se(LARGE, 0.25, of="input"))]
    assert gates == [0, 0, 0, 6, 10, 10, 0, 0, 0, 0, 20, 28, 28, 40, 40]


def test_stem_of_32_costs_10_4_million_madds_more() -> None:
    """Paper, section 5.1: stem and first block together; the block behind it does not change."""
    wide = stem(LARGE, 32)
    first = residuals(wide)[0]
    assert (first.expand_channels, first.out_channels, first.skip) == (32, 16, Skip.NONE)
    rows, before = count(wide).rows, count(LARGE).rows
    assert rows[0].cost.madds - before[0].cost.madds == 5_419_008
    extra = sum(row.cost.madds for row in rows) - sum(row.cost.madds for row in before)
    assert extra / 1e6 == pytest.approx(10.4, abs=0.05)
    assert wide.blocks[2:] == LARGE.blocks[2:]


def test_stem_does_not_invent_a_skip() -> None:
    """Back at 16 filters the first block could be a residual again, but MnasNet's is none at that width."""
    back = stem(stem(LARGE, 32), 16)
    assert residuals(back)[0] == replace(residuals(LARGE)[0], skip=Skip.NONE)
    assert back.with_block(1, LARGE.blocks[1]) == LARGE


def test_last_stage_there_and_back() -> None:
    original = last_stage(LARGE, "original")
    assert last_stage(original, "original") == original
    assert last_stage(original, "efficient") == LARGE
    assert last_stage(LARGE, "efficient") == LARGE
    bottleneck, wide = original.blocks[-2:]
    assert isinstance(bottleneck, InvertedResidual)
    assert isinstance(wide, Conv)
    assert (bottleneck.kernel_size, bottleneck.expand_channels, bottleneck.out_channels) == (3, 960, 320)
    assert wide.out_channels == 1280
    assert original.head == Classifier()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda: last_stage(LARGE, "old"), "the last stage is 'original' or 'efficient', got 'old'"),
        (lambda: se(LARGE, 0.25, of="output"), "gates are sized of 'expansion' or 'input', got 'output'"),
        (lambda: se(LARGE, 0, of="input"), "a gate's ratio must be above 0, got 0"),
    ],
)
def test_wrong_words_are_usage_errors(edit: object, message: str) -> None:
    assert callable(edit)
    with pytest.raises(UsageError, match=message):
        edit()


def test_edits_that_do_not_apply_name_the_net() -> None:
    with pytest.raises(SpecError, match="mobilenet_v3_large: h-swish cannot begin at block 18, the last is 16"):
        hswish_from(LARGE, 18)
    no_stem = replace(LARGE, blocks=LARGE.blocks[1:], in_channels=16)
    with pytest.raises(SpecError, match="block 0 is a inverted_residual, not a stem"):
        stem(no_stem, 32)
    headless = replace(LARGE, head=Classifier())
    with pytest.raises(SpecError, match="the last stage is not the efficient one"):
        last_stage(replace(headless, blocks=(*LARGE.blocks, LARGE.blocks[-1])), "original")
