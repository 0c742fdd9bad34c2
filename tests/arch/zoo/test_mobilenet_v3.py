from __future__ import annotations

import pytest

from edgesmith.arch.channels import HeadRule, WidthRule
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation, GateKind, Skip
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError

HS, RE = Activation.HARD_SWISH, Activation.RELU

# Final paper, tables 1 and 2: kernel, expansion, output, squeeze width, activation, stride.
LARGE = [
    (3, 16, 16, 0, RE, 1),
    (3, 64, 24, 0, RE, 2),
    (3, 72, 24, 0, RE, 1),
    (5, 72, 40, 24, RE, 2),
    (5, 120, 40, 32, RE, 1),
    (5, 120, 40, 32, RE, 1),
    (3, 240, 80, 0, HS, 2),
    (3, 200, 80, 0, HS, 1),
    (3, 184, 80, 0, HS, 1),
    (3, 184, 80, 0, HS, 1),
    (3, 480, 112, 120, HS, 1),
    (3, 672, 112, 168, HS, 1),
    (5, 672, 160, 168, HS, 2),
    (5, 960, 160, 240, HS, 1),
    (5, 960, 160, 240, HS, 1),
]
SMALL = [
    (3, 16, 16, 8, RE, 2),
    (3, 72, 24, 0, RE, 2),
    (3, 88, 24, 0, RE, 1),
    (5, 96, 40, 24, HS, 2),
    (5, 240, 40, 64, HS, 1),
    (5, 240, 40, 64, HS, 1),
    (5, 120, 48, 32, HS, 1),
    (5, 144, 48, 40, HS, 1),
    (5, 288, 96, 72, HS, 2),
    (5, 576, 96, 144, HS, 1),
    (5, 576, 96, 144, HS, 1),
]


def residuals(spec: NetSpec) -> list[InvertedResidual]:
    return [block for block in spec.blocks if isinstance(block, InvertedResidual)]


def stem_and_tail(spec: NetSpec) -> tuple[Conv, Conv]:
    first, last = spec.blocks[0], spec.blocks[-1]
    assert isinstance(first, Conv)
    assert isinstance(last, Conv)
    return first, last


def features(spec: NetSpec) -> int:
    assert isinstance(spec.head, Classifier)
    return spec.head.feature_channels


@pytest.mark.parametrize(("name", "rows"), [("mobilenet_v3_large", LARGE), ("mobilenet_v3_small", SMALL)])
def test_case_m5_block_table_is_the_final_papers(
    name: str, rows: list[tuple[int, int, int, int, Activation, int]]
) -> None:
    built = [
        (
            b.kernel_size,
            b.expand_channels,
            b.out_channels,
            b.gate.squeeze_channels if b.gate else 0,
            b.activation,
            b.stride,
        )
        for b in residuals(find(name))
    ]
    assert built == rows


def test_case_m5_ends_are_the_released_ones() -> None:
    """Small has 1024 features and no gate on its tail, unlike the paper's table 2."""
    large, small = find("mobilenet_v3_large"), find("mobilenet_v3_small")
    assert [conv.out_channels for conv in stem_and_tail(large)] == [16, 960]
    assert [conv.out_channels for conv in stem_and_tail(small)] == [16, 576]
    assert (features(large), features(small)) == (1280, 1024)


def test_skips_and_gates() -> None:
    blocks = residuals(find("mobilenet_v3_large"))
    assert [i for i, b in enumerate(blocks, 1) if b.skip is Skip.IDENTITY] == [1, 3, 5, 6, 8, 9, 10, 12, 14, 15]
    assert {b.gate.kind for b in blocks if b.gate} == {GateKind.HARD_SIGMOID}


@pytest.mark.parametrize("name", ["mobilenet_v3_large_minimalistic", "mobilenet_v3_small_minimalistic"])
def test_minimalistic_has_3x3_relu_and_no_gates(name: str) -> None:
    spec, full = find(name), find(name.removesuffix("_minimalistic"))
    assert {(b.kernel_size, b.activation, b.gate) for b in residuals(spec)} == {(3, RE, None)}
    assert {conv.activation for conv in stem_and_tail(spec)} == {RE}
    assert isinstance(spec.head, Classifier)
    assert spec.head.activation is RE
    widths = [[(b.expand_channels, b.out_channels, b.stride) for b in residuals(net)] for net in (spec, full)]
    assert widths[0] == widths[1]


# Worked out on paper with round-to-8: stem, outputs of the six stages, tail, features.
WIDTHS = {
    0.35: (8, [8, 8, 16, 32, 40, 56], 336, 448),
    0.5: (8, [8, 16, 24, 40, 56, 80], 480, 640),
    0.75: (16, [16, 24, 32, 64, 88, 120], 720, 960),
    1.25: (24, [24, 32, 48, 104, 144, 200], 1200, 1600),
    1.4: (24, [24, 32, 56, 112, 160, 224], 1344, 1792),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rule", WidthRule)
def test_case_m1_every_width_is_rounded_to_8(width: float, rule: WidthRule) -> None:
    stem, outputs, tail, feature = WIDTHS[width]
    spec = mobilenet_v3_large(width=width, rule=rule, head=HeadRule.SCALED)
    first, last = stem_and_tail(spec)
    fixed_stem = rule is WidthRule.KERAS or (rule is WidthRule.TIMM and width < 0.75)
    six_wide = rule in (WidthRule.TORCHVISION, WidthRule.KERAS)
    assert first.out_channels == (16 if fixed_stem else stem)
    made = [b.out_channels for b in residuals(spec)]
    assert [made[i] for i in (0, 1, 3, 6, 10, 12)] == outputs
    assert last.out_channels == (6 * outputs[-1] if six_wide else tail)
    assert features(spec) == feature
    assert all(b.expand_channels % 8 == 0 for b in residuals(spec))
    assert all(b.gate.squeeze_channels % 8 == 0 for b in residuals(spec) if b.gate)


def test_case_m1_expansions_follow_the_scaled_input_or_the_table() -> None:
    """At 0.75, block 4 of Large: 3 times the input of 24 is 72; torchvision scales 72 to 56 (0.9 guard: 54 -> 56)."""
    tensorflow = residuals(mobilenet_v3_large(width=0.75))
    torchvision = residuals(mobilenet_v3_large(width=0.75, rule=WidthRule.TORCHVISION))
    assert [b.expand_channels for b in tensorflow] == [
        16,
        64,
        72,
        72,
        96,
        96,
        192,
        160,
        144,
        144,
        384,
        528,
        528,
        720,
        720,
    ]
    assert [b.expand_channels for b in torchvision] == [
        16,
        48,
        56,
        56,
        88,
        88,
        184,
        152,
        136,
        136,
        360,
        504,
        504,
        720,
        720,
    ]


@pytest.mark.parametrize(
    ("rule", "head", "width", "feature"),
    [
        (WidthRule.TENSORFLOW, HeadRule.RULE, 0.5, 1024),
        (WidthRule.TENSORFLOW, HeadRule.SCALED, 0.5, 512),
        (WidthRule.TIMM, HeadRule.RULE, 0.5, 1024),
        (WidthRule.TORCHVISION, HeadRule.RULE, 0.5, 512),
        (WidthRule.TORCHVISION, HeadRule.UNSCALED, 0.5, 1024),
        (WidthRule.KERAS, HeadRule.RULE, 0.5, 1024),
        (WidthRule.KERAS, HeadRule.RULE, 1.25, 1280),
        (WidthRule.TENSORFLOW, HeadRule.RULE, 1.25, 1024),
    ],
)
def test_case_m1_feature_layer_is_kept_or_grown_as_in_the_reference(
    rule: WidthRule, head: HeadRule, width: float, feature: int
) -> None:
    assert features(mobilenet_v3_small(width=width, rule=rule, head=head)) == feature


@pytest.mark.parametrize("width", [0.0, -1.0, 9.0, float("nan")])
def test_widths_out_of_range(width: float) -> None:
    with pytest.raises(UsageError, match="width must be above 0 and at most 8"):
        mobilenet_v3_small(width=width)
