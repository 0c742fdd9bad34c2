"""What the families' publications say of their blocks, beyond the counts."""

from __future__ import annotations

import pytest

from edgesmith.arch.cost import count
from edgesmith.arch.kinds.dense_layer import CondensedLayer
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.kinds.separable import Separable
from edgesmith.arch.kinds.shift import ConvShiftConv
from edgesmith.arch.kinds.shuffle_unit import ShuffleUnit
from edgesmith.arch.kinds.universal import UniversalBottleneck
from edgesmith.arch.names import Activation, GateKind, Skip
from edgesmith.arch.network import trace_network
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError


def shapes(name: str) -> list[tuple[int, int, int]]:
    return [row.out_shape for row in count(find(name)).rows]


def test_mobilenet_v1_ends_at_seven_pixels_although_its_table_prints_stride_2_once_more() -> None:
    assert shapes("mobilenet_v1")[13] == (1024, 7, 7)
    assert {b.activation for b in find("mobilenet_v1").blocks if isinstance(b, Separable)} == {Activation.RELU}
    relu6 = find("mobilenet_v1@activation=relu6").blocks
    assert {b.activation for b in relu6 if isinstance(b, Separable)} == {Activation.RELU6}


def test_shufflenets_first_unit_alone_begins_ungrouped() -> None:
    units = [block for block in find("shufflenet_v1@groups=8").blocks if isinstance(block, ShuffleUnit)]
    assert [unit.first_groups for unit in units] == [1] + [None] * 15
    assert [unit.stride for unit in units] == [2, 1, 1, 1, 2, *[1] * 7, 2, 1, 1, 1]
    assert [shapes("shufflenet_v1")[index] for index in (1, 5, 13, 17)] == [
        (24, 56, 56), (240, 28, 28), (480, 14, 14), (960, 7, 7),
    ]  # fmt: skip


@pytest.mark.parametrize(("options", "stem"), [("width=0.5", 12), ("groups=8,width=0.5", 16), ("width=2", 48)])
def test_shufflenets_stems_are_those_of_the_release(options: str, stem: int) -> None:
    assert shapes(f"shufflenet_v1@{options}")[0][0] == stem


def test_shufflenet_for_32_pixels_keeps_them_through_the_stem() -> None:
    assert shapes("shufflenet_v1@stem=cifar")[0] == (24, 32, 32)
    assert find("shufflenet_v1@stem=cifar").num_classes == 10


def test_condensenets_stages_end_at_the_published_channels() -> None:
    made = shapes("condensenet_74")
    blocks = find("condensenet_74").blocks
    ends = [i for i, block in enumerate(blocks[:-1]) if isinstance(block, CondensedLayer)]
    last = [i for i in ends if not isinstance(blocks[i + 1], CondensedLayer)]
    assert [made[i] for i in last] == [(48, 112, 112), (144, 56, 56), (400, 28, 28), (1040, 14, 14), (2064, 7, 7)]


@pytest.mark.parametrize("name", ["condensenet_cifar@depth=51", "shiftresnet@depth=21"])
def test_depths_that_no_net_has_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"depth must be 6 n \+ 2, got \d+; published: "):
        find(name)


def test_shiftnet_a_is_the_table() -> None:
    modules = [block for block in find("shiftnet_a").blocks if isinstance(block, ConvShiftConv)]
    assert [(m.kernel_size, m.out_channels, m.expansion) for m in modules if m.stride == 2] == [
        (5, 64, 4), (5, 128, 4), (3, 256, 3), (3, 512, 2),
    ]  # fmt: skip
    assert [m.expansion for m in modules if m.stride == 1] == [4] * 4 + [3] * 5 + [2] * 6 + [1] * 2


def test_a_shift_costs_nothing() -> None:
    network = trace_network(find("shiftresnet"))
    shifts = [op for part in network.blocks for op in part.operations if type(op).__name__ == "Shift"]
    assert len(shifts) == 9
    assert all(op.tensors() == () and op.work().conv == 0 for op in shifts)


def test_mnasnets_gates_are_a_quarter_of_their_blocks_input() -> None:
    """A1's third stage: blocks that read 24 and 40 channels have gates of 6 and 10, with a plain sigmoid."""
    blocks = [block for block in find("mnasnet_a1").blocks if isinstance(block, InvertedResidual)]
    gates = [block.gate for block in blocks if block.gate is not None]
    assert [gate.squeeze_channels for gate in gates] == [6, 10, 10, 20, 28, 28, 40, 40]
    assert {gate.kind for gate in gates} == {GateKind.SIGMOID}
    assert blocks[0].skip is Skip.NONE


def test_mnasnet_small_begins_eight_wide() -> None:
    assert shapes("mnasnet_small")[:3] == [(8, 112, 112), (8, 112, 112), (16, 56, 56)]


def test_mobilenet_v4_uses_all_four_forms_of_its_block() -> None:
    blocks = [block for block in find("mobilenet_v4_conv_medium").blocks if isinstance(block, UniversalBottleneck)]
    forms = {(block.start_kernel > 0, block.middle_kernel > 0) for block in blocks}
    assert forms == {(True, True), (True, False), (False, False)}
    small = [block for block in find("mobilenet_v4_conv_small").blocks if isinstance(block, UniversalBottleneck)]
    assert (False, True) in {(block.start_kernel > 0, block.middle_kernel > 0) for block in small}
