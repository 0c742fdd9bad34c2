from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from edgesmith.arch.heads.base import Tap
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.names import Activation, Point
from edgesmith.arch.network import Network, trace_network
from edgesmith.arch.operations import Add
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError


def group_of(network: Network, key: str, axis: int) -> int:
    (group,) = network.tensors()[key].axes[axis].groups
    return group


def test_residual_chains_share_one_width() -> None:
    """Blocks 13, 14 and 15 of Large sum into one width of 160, so all three projections change together."""
    network = trace_network(find("mobilenet_v3_large"))
    group = group_of(network, "blocks.13.project.conv.weight", 0)
    assert network.group_sizes[group] == 160
    assert network.writers()[group] == tuple(f"blocks.{index}.project.conv.weight" for index in (13, 14, 15))


def test_a_gate_and_a_depthwise_are_tied_to_their_expansion() -> None:
    network = trace_network(find("mobilenet_v3_large"))
    group = group_of(network, "blocks.15.expand.conv.weight", 0)
    assert network.group_sizes[group] == 960
    assert network.writers()[group] == tuple(
        f"blocks.15.{name}" for name in ("expand.conv.weight", "depthwise.conv.weight", "gate.excite.weight")
    )
    assert group_of(network, "blocks.15.project.conv.weight", 1) == group
    assert group_of(network, "blocks.15.depthwise.norm.running_var", 0) == group
    assert group_of(network, "blocks.15.gate.squeeze.weight", 1) == group


def test_the_first_block_of_large_is_tied_to_the_stem() -> None:
    """It neither widens nor changes width, so stem, depthwise and projection are one group of 16."""
    network = trace_network(find("mobilenet_v3_large"))
    group = group_of(network, "blocks.0.conv.conv.weight", 0)
    assert network.writers()[group] == (
        "blocks.0.conv.conv.weight",
        "blocks.1.depthwise.conv.weight",
        "blocks.1.project.conv.weight",
    )


@pytest.mark.parametrize(
    ("name", "num_widths"), [("mobilenet_v3_large", 6 + 14 + 8 + 3), ("mobilenet_v3_small", 6 + 10 + 9 + 3)]
)
def test_every_width_has_a_writer(name: str, num_widths: int) -> None:
    """Counted in the paper's table: outputs that no skip ties, expansions, gates; tail, feature layer, classes."""
    network = trace_network(find(name))
    assert len(network.writers()) == num_widths
    assert set(network.writers()) == set(range(1, len(network.group_sizes)))


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v3_small_minimalistic"])
def test_axes_over_channels_are_as_long_as_their_groups(name: str) -> None:
    network = trace_network(find(name))
    for key, tensor in network.tensors().items():
        for axis in tensor.axes:
            if axis.groups:
                assert axis.size == sum(network.group_sizes[group] for group in axis.groups), key


@pytest.mark.parametrize(
    ("name", "c4", "low"),
    [
        ("mobilenet_v3_large", (13, 672, 20, 20), (6, 120, 40, 40)),
        ("mobilenet_v3_small", (9, 288, 20, 20), (3, 88, 40, 40)),
    ],
)
def test_detection_and_segmentation_taps(
    name: str, c4: tuple[int, int, int, int], low: tuple[int, int, int, int]
) -> None:
    taps = (Tap(block=c4[0], point=Point.EXPAND), Tap(block=low[0], point=Point.DEPTHWISE), Tap(block=-1))
    spec = replace(find(name), head=Classifier(taps=taps)).with_resolution(320)
    values = trace_network(spec).head.inputs
    assert [(v.channels, v.height, v.width) for v in values[:2]] == [c4[1:], low[1:]]


def test_a_missing_point_names_what_there_is() -> None:
    spec = find("mobilenet_v3_small")
    wrong = replace(spec, head=Classifier(taps=(Tap(block=12, point=Point.DEPTHWISE),)))
    with pytest.raises(
        SpecError, match=r"head \(classifier\): block 12 has no point 'depthwise'; choices: input, output"
    ):
        trace_network(wrong)


@dataclass(frozen=True)
class Summing:
    """A block around one sum of its input and a convolution of it."""

    kind: ClassVar[str] = "summing"
    elastic: ClassVar[bool] = False

    add: Callable[[Trace, Value, Value], Value]
    stride: int = 1

    def trace(self, t: Trace, x: Value) -> Value:
        return self.add(t, x, t.conv(x, x, name="branch", activation=Activation.NONE))


def twice(t: Trace, x: Value, y: Value) -> Value:
    return t.add(t.add(x, y, name="skip"), y, name="again")


def tapped(t: Trace, x: Value, y: Value) -> Value:
    return t.add(x, t.mark(Point.EXPAND, y), name="skip")


@pytest.mark.parametrize("add", [twice, tapped])
def test_a_sum_that_would_overwrite_what_others_read_is_refused(add: Callable[[Trace, Value, Value], Value]) -> None:
    """A value that is read again, a value that a tap may hear."""
    spec = NetSpec(name="n", family="f", blocks=(Summing(add),), head=Classifier())
    with pytest.raises(SpecError, match=r"n: block 0 \(summing\): skip: a sum overwrites its second value, and this"):
        trace_network(spec)


def test_a_sum_over_a_branch_of_its_own_is_fine() -> None:
    spec = NetSpec(name="n", family="f", blocks=(Summing(lambda t, x, y: t.add(x, y, name="skip")),), head=Classifier())
    assert len(trace_network(spec).blocks[0].operations) == 2


def activated(t: Trace, x: Value, y: Value) -> Value:
    return t.add(x, t.conv(y, x, name="last", activation=Activation.RELU), name="skip")


@pytest.mark.parametrize("add", [lambda t, x, y: t.add(y, x, name="skip"), activated])
def test_a_sum_copies_what_is_not_a_bare_branch(add: Callable[[Trace, Value, Value], Value]) -> None:
    """The block's input, which others read; an activation's output, which its gradient needs."""
    spec = NetSpec(name="n", family="f", blocks=(Summing(add),), head=Classifier())
    operation = trace_network(spec).blocks[0].operations[-1]
    assert isinstance(operation, Add)
    assert not operation.overwrites


def test_two_operations_of_one_name_are_refused() -> None:
    def add(t: Trace, x: Value, y: Value) -> Value:
        return t.add(x, y, name="branch")

    spec = NetSpec(name="n", family="f", blocks=(Summing(add),), head=Classifier())
    with pytest.raises(SpecError, match=r"block 0 \(summing\): branch: 2 operations have this name"):
        trace_network(spec)
