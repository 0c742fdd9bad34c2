from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.arch.cost import count, count_total
from edgesmith.arch.edits.tail import DilationRule, HalvingRule, halve_tail, with_output_stride
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError, UsageError


def last_blocks(spec: NetSpec) -> list[tuple[int, int]]:
    """Expansion and output of the last three bottlenecks."""
    blocks = [block for block in spec.blocks if isinstance(block, InvertedResidual)][-3:]
    return [(block.expand_channels, block.out_channels) for block in blocks]


def tail_channels(spec: NetSpec) -> int:
    tail = spec.blocks[-1]
    assert isinstance(tail, Conv)
    return tail.out_channels


@pytest.mark.parametrize(
    ("name", "rule", "blocks", "tail"),
    [
        ("mobilenet_v3_large", HalvingRule.SSDLITE, [(672, 80), (480, 80), (480, 80)], 480),
        ("mobilenet_v3_large", HalvingRule.TORCHVISION, [(672, 80), (480, 80), (480, 80)], 480),
        ("mobilenet_v3_large", HalvingRule.RF2, [(336, 80), (480, 80), (480, 80)], 480),
        ("mobilenet_v3_small", HalvingRule.SSDLITE, [(288, 48), (288, 48), (288, 48)], 288),
        ("mobilenet_v3_small", HalvingRule.TORCHVISION, [(288, 48), (288, 48), (288, 48)], 288),
        ("mobilenet_v3_small", HalvingRule.RF2, [(144, 48), (288, 48), (288, 48)], 288),
    ],
)
def test_halved_widths_are_the_published_ones(
    name: str, rule: HalvingRule, blocks: list[tuple[int, int]], tail: int
) -> None:
    halved = halve_tail(find(name), rule=rule)
    assert last_blocks(halved) == blocks
    assert tail_channels(halved) == tail
    assert halved.blocks[:-4] == find(name).blocks[:-4]
    count(halved)


@pytest.mark.parametrize(
    ("name", "parameters", "millions"),
    [("mobilenet_v3_large", 2_569_352, 182.30), ("mobilenet_v3_small", 1_099_672, 43.76)],
)
def test_torchvisions_reduced_tail_counts(name: str, parameters: int, millions: float) -> None:
    total = count_total(halve_tail(find(name), rule=HalvingRule.TORCHVISION))
    assert total.parameters == parameters
    assert total.madds / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize(
    ("name", "millions"),
    [("mobilenet_v3_large", 1.507), ("mobilenet_v3_small", 0.469)],
)
def test_rf2_backbone_with_the_papers_small_head_has_its_size(name: str, millions: float) -> None:
    """Segmentation table 7, rows 8 and 11: backbone counted here, the head of 128 filters and 19 classes by hand."""
    spec = halve_tail(find(name), rule=HalvingRule.RF2)
    high, low = tail_channels(spec), 120 if name == "mobilenet_v3_large" else 88
    head = (high * 128 + 2 * 128) + (high * 128 + 128) + (128 * 19 + 19) + (low * 19 + 19)
    backbone = sum(row.cost.parameters for row in count(spec).rows[: len(spec.blocks)])
    assert (backbone + head) / 1e6 == pytest.approx(millions, abs=0.0005)


@pytest.mark.parametrize("width", ["0.35", "0.75", "1.25"])
@pytest.mark.parametrize("rule", HalvingRule)
def test_halved_widths_stay_multiples_of_8(width: str, rule: HalvingRule) -> None:
    halved = halve_tail(find(f"mobilenet_v3_large@width={width}"), rule=rule)
    assert all(value % 8 == 0 for pair in last_blocks(halved) for value in pair)
    count(halved)


def test_only_torchvision_halves_the_feature_layer() -> None:
    features = {}
    for rule in HalvingRule:
        head = halve_tail(find("mobilenet_v3_large"), rule=rule).head
        assert isinstance(head, Classifier)
        features[rule] = head.feature_channels
    assert features == {HalvingRule.SSDLITE: 1280, HalvingRule.RF2: 1280, HalvingRule.TORCHVISION: 640}


def test_a_head_without_features_keeps_none() -> None:
    spec = replace(find("mobilenet_v3_large"), head=Classifier())
    assert halve_tail(spec, rule=HalvingRule.TORCHVISION).head == Classifier()


def steps(spec: NetSpec) -> list[tuple[int, int]]:
    """Stride and dilation of the last three bottlenecks."""
    blocks = [block for block in spec.blocks if isinstance(block, InvertedResidual)][-3:]
    return [(block.stride, block.dilation) for block in blocks]


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v3_small"])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [(DilationRule.DEEPLAB, [(1, 1), (1, 2), (1, 2)]), (DilationRule.TORCHVISION, [(1, 2), (1, 2), (1, 2)])],
)
def test_output_stride_16_by_both_rules(name: str, rule: DilationRule, expected: list[tuple[int, int]]) -> None:
    spec = find(name)
    dilated = with_output_stride(spec, 16, rule=rule)
    assert steps(dilated) == expected
    assert count(dilated).rows[len(spec.blocks) - 1].out_shape[1:] == (14, 14)
    assert count_total(dilated).parameters == count_total(spec).parameters
    assert dilated.blocks[:-4] == spec.blocks[:-4]


def test_output_stride_8_doubles_the_dilation_again() -> None:
    dilated = with_output_stride(find("mobilenet_v3_large"), 8, rule=DilationRule.DEEPLAB)
    blocks = [block for block in dilated.blocks if isinstance(block, InvertedResidual)]
    assert [b.dilation for b in blocks[6:]] == [1, 2, 2, 2, 2, 2, 2, 4, 4]
    assert {b.stride for b in blocks[6:]} == {1}
    assert count(dilated).rows[16].out_shape == (960, 28, 28)


def test_output_stride_32_is_the_net_itself() -> None:
    spec = find("mobilenet_v3_small")
    assert with_output_stride(spec, 32, rule=DilationRule.DEEPLAB) == spec


@pytest.mark.parametrize(
    ("name", "output_stride", "billions"),
    [
        ("mobilenet_v3_large", 16, 9.53),
        ("mobilenet_v3_large", 32, 7.58),
        ("mobilenet_v3_small", 16, 2.78),
        ("mobilenet_v3_small", 32, 1.96),
    ],
)
def test_segmentation_backbones_cost_what_the_reproduction_says(name: str, output_stride: int, billions: float) -> None:
    """Reproduction of table 7 at 1025x2049: halved, dilated backbone plus the head of 128 filters by hand."""
    spec = halve_tail(find(name), rule=HalvingRule.RF2).with_resolution(1025, 2049)
    spec = with_output_stride(spec, output_stride, rule=DilationRule.DEEPLAB)
    rows = count(spec).rows[: len(spec.blocks)]
    high, height, width = rows[-1].out_shape
    low = 120 if name == "mobilenet_v3_large" else 88
    grid = 2 * 5 if output_stride == 16 else 3 * 9
    head = high * 128 * height * width + high * 128 * grid + (128 + low) * 19 * 129 * 257
    total = sum(row.cost.madds for row in rows) + head
    assert total / 1e9 == pytest.approx(billions, abs=0.006)


def test_wrong_use_answers_in_one_line() -> None:
    with pytest.raises(UsageError, match="the output stride must be 8, 16 or 32, got 12"):
        with_output_stride(find("mobilenet_v3_small"), 12, rule=DilationRule.DEEPLAB)
    dilated = with_output_stride(find("mobilenet_v3_small"), 16, rule=DilationRule.DEEPLAB)
    with pytest.raises(SpecError, match="no block reaches stride 32, the last has 16"):
        halve_tail(dilated, rule=HalvingRule.RF2)
