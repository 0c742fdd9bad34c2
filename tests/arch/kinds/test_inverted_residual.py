from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.names import Activation, Point, PoolKind, Skip
from edgesmith.arch.operations import Add, Convolution, Gate, Pool
from edgesmith.arch.trace import Trace
from edgesmith.core.errors import SpecError

BLOCK = InvertedResidual(
    kernel_size=5,
    expand_channels=24,
    out_channels=8,
    activation=Activation.HARD_SWISH,
    gate=GateSpec(squeeze_channels=8),
    skip=Skip.IDENTITY,
)


def names(block: InvertedResidual, channels: int = 8) -> list[str]:
    t = Trace()
    block.trace(t, t.open(channels, 6, 6))
    return [operation.name for operation in t.operations]


def test_case_m6_gate_stands_behind_the_depthwise_activation() -> None:
    """Expand, depthwise, gate, project, skip; the convolutions carry norm and activation themselves, in that order."""
    t = Trace()
    BLOCK.trace(t, t.open(8, 6, 6))
    expand, depthwise, gate, project, skip = t.operations
    assert isinstance(expand, Convolution)
    assert isinstance(depthwise, Convolution)
    assert isinstance(gate, Gate)
    assert isinstance(project, Convolution)
    assert isinstance(skip, Add)
    assert gate.inputs == (depthwise.output,)
    assert project.inputs == (gate.output,)
    assert (depthwise.norm, depthwise.activation) == (True, Activation.HARD_SWISH)
    assert (project.norm, project.activation) == (True, Activation.NONE)
    assert skip.activation is Activation.NONE


def test_expansion_is_left_out_where_it_would_not_widen() -> None:
    assert names(replace(BLOCK, expand_channels=8)) == ["depthwise", "gate", "project", "skip"]


@pytest.mark.parametrize("skip", [Skip.NONE, Skip.IDENTITY])
def test_skip_is_said_not_guessed(skip: Skip) -> None:
    assert ("skip" in names(replace(BLOCK, skip=skip))) == (skip is Skip.IDENTITY)


def test_points_are_before_and_after_the_filter() -> None:
    t = Trace()
    replace(BLOCK, stride=2, skip=Skip.NONE).trace(t, t.open(8, 7, 5))
    shapes = {point: (v.channels, v.height, v.width) for point, v in t.points.items()}
    assert shapes[Point.EXPAND] == (24, 7, 5)
    assert shapes[Point.DEPTHWISE] == (24, 4, 3)


def test_a_pooled_skip_takes_the_mean_around_each_pixel_at_the_blocks_stride() -> None:
    t = Trace()
    made = replace(BLOCK, stride=2, skip=Skip.POOL).trace(t, t.open(8, 7, 5))
    pool = next(operation for operation in t.operations if isinstance(operation, Pool))
    assert (pool.name, pool.kind, pool.kernel_size, pool.stride, pool.pad) == ("skip_pool", PoolKind.AVERAGE, 3, 2, 1)
    assert (made.groups, made.height, made.width) == (t.operations[0].inputs[0].groups, 4, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel_size": 4}, "kernel_size must be odd, got 4"),
        ({"stride": 3}, "stride must be 1 or 2, got 3"),
        ({"skip": Skip.POOL, "out_channels": 16}, "a pooled skip needs 8 output channels .* got 16"),
        ({"out_channels": 16}, "an identity skip needs stride 1 and 8 output channels .* got stride 1 and 16"),
        ({"stride": 2}, "got stride 2 and 8"),
    ],
)
def test_illegal_blocks_are_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        names(replace(BLOCK, **changes))  # type: ignore[arg-type]
