"""docs/architecture.md runs, and the kinds that it declares cost what their publications say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.heads.base import Head, Tap
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.names import Activation, Padding, PoolKind
from edgesmith.arch.network import trace_network
from edgesmith.arch.operations import Value
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.trace import Trace

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """Everything that the page's code defines."""
    names: dict[str, Any] = {"__name__": "architecture_page"}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        exec(compile(block, str(PAGE), "exec", dont_inherit=True), names)
    return names


def net(head: Head, *blocks: Block) -> NetSpec:
    return NetSpec(name="page", family="page", blocks=blocks, head=head)


@dataclass(frozen=True, kw_only=True)
class LastConv:
    """SqueezeNet's head: a convolution to the classes, then the mean."""

    kind: ClassVar[str] = "last_conv"
    taps: tuple[Tap, ...] = (Tap(block=-1),)

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        h = t.conv(taps[0], num_classes, name="conv", activation=Activation.RELU, bias=True, norm=False)
        return (t.global_pool(h, name="pool"),)


def squeezenet_1_1(fire: Any) -> NetSpec:
    stem = Conv(out_channels=64, kernel_size=3, stride=2, activation=Activation.RELU, norm=False, padding=Padding.VALID)
    widths = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
    fires = [
        fire(squeeze_channels=squeeze, expand_channels=expand, pool=index in (0, 2, 4))
        for index, (squeeze, expand) in enumerate(widths)
    ]
    return net(LastConv(), stem, *fires)


def test_squeezenet_1_1(page: dict[str, Any]) -> None:
    total = count_total(squeezenet_1_1(page["Fire"]))
    assert total.parameters == 1_235_496
    assert total.madds / 1e6 == pytest.approx(349.2, abs=0.05)


@pytest.mark.parametrize(
    ("groups", "widths", "parameters", "millions"),
    [
        (1, (144, 288, 576), 1_531_936, 143.1),
        (2, (200, 400, 800), 1_733_848, 140.8),
        (3, (240, 480, 960), 1_865_728, 137.5),
        (4, (272, 544, 1088), 1_968_344, 134.3),
        (8, (384, 768, 1536), 2_434_768, 138.4),
    ],
)
def test_shufflenet_v1(
    page: dict[str, Any], groups: int, widths: tuple[int, int, int], parameters: int, millions: float
) -> None:
    unit = page["ShuffleUnit"]
    blocks: list[Block] = [
        Conv(out_channels=24, kernel_size=3, stride=2, activation=Activation.RELU),
        page["WindowPool"](pool=PoolKind.MAX, kernel_size=3, pad=1),
    ]
    for stage, (width, repeats) in enumerate(zip(widths, (4, 8, 4), strict=True)):
        blocks.append(unit(out_channels=width, groups=groups, stride=2, first_groups=None if stage else 1))
        blocks += [unit(out_channels=width, groups=groups)] * (repeats - 1)
    total = count_total(net(Classifier(), *blocks))
    assert total.parameters == parameters
    assert total.madds / 1e6 == pytest.approx(millions, abs=0.06)


@pytest.mark.parametrize(("groups", "parameters", "millions"), [(4, 4_773_944, 516.6), (8, 2_935_416, 261.5)])
def test_condensenet_74(page: dict[str, Any], groups: int, parameters: int, millions: float) -> None:
    @dataclass(frozen=True, kw_only=True)
    class HalfClassifier:
        """The classifier keeps half of its inputs."""

        kind: ClassVar[str] = "half_classifier"
        taps: tuple[Tap, ...] = (Tap(block=-1),)

        def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
            h = t.global_pool(t.norm(taps[0], name="norm", activation=Activation.RELU), name="pool")
            h = page["pick"](t, h, h.channels // 2, name="index")
            return (t.linear(h, num_classes, name="classifier", activation=Activation.NONE),)

    stem = Conv(out_channels=16, kernel_size=3, stride=2, activation=Activation.NONE, norm=False, bias=False)
    blocks: list[Block] = [stem]
    for stage, (layers, growth) in enumerate(zip((4, 6, 8, 10, 8), (8, 16, 32, 64, 128), strict=True)):
        blocks += [page["WindowPool"](pool=PoolKind.AVERAGE, kernel_size=2)] if stage else []
        blocks += [page["DenseLayer"](growth=growth, groups=groups, condensation=groups)] * layers
    spec = net(HalfClassifier(), *blocks)
    total = count_total(spec)
    assert total.parameters == parameters
    assert total.madds / 1e6 == pytest.approx(millions, abs=0.06)
    assert trace_network(spec).blocks[-1].outputs[0].channels == 2064


@pytest.mark.parametrize(("scale", "parameters", "millions"), [(1, 4.189, 1424), (2, 1.183, 371.0)])
def test_shiftnet_a_and_b(page: dict[str, Any], scale: int, parameters: float, millions: float) -> None:
    unit = page["ConvShiftConv"]
    stem = Conv(out_channels=32 // scale, kernel_size=7, stride=2, activation=Activation.NONE, norm=False, bias=False)
    blocks: list[Block] = [stem]
    for kernel, out, first, later, repeats in (
        (5, 64, 4, 4, 5),
        (5, 128, 4, 3, 6),
        (3, 256, 3, 2, 7),
        (3, 512, 2, 1, 3),
    ):
        blocks.append(unit(out_channels=out // scale, kernel_size=kernel, expansion=first, stride=2))
        blocks += [unit(out_channels=out // scale, kernel_size=kernel, expansion=later)] * (repeats - 1)
    total = count_total(net(Classifier(), *blocks))
    norm_before_the_pool = 2 * 512 // scale
    assert (total.parameters + norm_before_the_pool) / 1e6 == pytest.approx(parameters, abs=0.0006)
    assert total.madds / 1e6 == pytest.approx(millions, rel=0.001)


def test_concatenated_groups_are_written_into_together(page: dict[str, Any]) -> None:
    """Units behind a strided one sum into both halves of its output: the shortcut's group and the branch's."""
    unit = page["ShuffleUnit"]
    stem = Conv(out_channels=24, activation=Activation.RELU)
    spec = net(Classifier(), stem, unit(out_channels=72, groups=3, stride=2), unit(out_channels=72, groups=3))
    network = trace_network(spec)
    assert [network.group_sizes[g] for g in network.blocks[2].outputs[0].groups] == [24, 48]
    restored = network.tensors()["blocks.2.restore.conv.weight"]
    assert restored.axes[0].groups == network.blocks[1].outputs[0].groups
