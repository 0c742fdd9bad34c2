"""docs/architecture.md runs, and the kind that it declares costs what its publication says."""

from __future__ import annotations

from typing import Any

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.table import KINDS
from edgesmith.arch.names import Activation
from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from tests.pages import ROOT, code_of, run_code

PAGE = "docs/architecture.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """Everything that the page's code defines."""
    names: dict[str, Any] = {"__name__": "architecture_page"}
    for block in code_of(PAGE):
        names = run_code(block, PAGE, names)
    return names


def test_resnet_20(page: dict[str, Any]) -> None:
    """272,474 parameters, as ShiftResNet's authors count it; their 40.96 M operations are 0.4 % more than ours."""
    block = page["BasicBlock"]
    blocks: list[Block] = [Conv(out_channels=16, kernel_size=3, activation=Activation.RELU)]
    for width in (16, 32, 64):
        blocks += [block(out_channels=width, stride=1 if width == 16 else 2), *[block(out_channels=width)] * 2]
    spec = NetSpec(
        name="resnet_20",
        family="ResNet",
        blocks=tuple(blocks),
        head=Classifier(),
        resolution=(32, 32),
        num_classes=10,
    )
    total = count_total(spec)
    assert total.parameters == 272_474
    assert total.madds / 1e6 == pytest.approx(40.96, rel=0.004)
    assert trace_network(spec).blocks[2].outputs[0].groups == trace_network(spec).blocks[1].outputs[0].groups


def test_every_kind_is_in_the_table_of_families() -> None:
    text = (ROOT / PAGE).read_text()
    assert [kind for kind in KINDS if f"`{kind}`" not in text and kind != "conv"] == []


def test_concatenated_groups_are_written_into_together() -> None:
    """Units behind a strided one sum into both halves of its output: the shortcut's group and the branch's."""
    network = trace_network(find("shufflenet_v1"))
    first, second = network.blocks[2].outputs[0], network.blocks[3].outputs[0]
    assert [network.group_sizes[g] for g in first.groups] == [24, 216]
    assert second.groups == first.groups
    restored = network.tensors()["blocks.3.restore.conv.weight"]
    assert restored.axes[0].groups == first.groups
