"""Which step of a file is which step of a net: converters run branches in any order that they like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.layers import tensor_groups
from edgesmith.weights.sources.litert_signals import Found
from edgesmith.weights.sources.steps import PICTURE, Step, expected_steps

_WEIGHTED = ("conv", "depthwise")


def matched(spec: NetSpec, steps: Sequence[Found]) -> dict[str, Found]:
    """The file's steps by the net's paths, in the net's order; the file must do all that the net does.

    Raises:
        WeightsError: It does not; names the first step that it lacks.
    """
    expected = expected_steps(spec)
    if len(expected) != len(steps):
        raise WeightsError(f"it has {len(steps)} steps, {spec.name} has {len(expected)}")
    shapes = iter([next(iter(group.values())).shape for group in tensor_groups(spec)])
    left = list(range(len(steps)))
    chosen: list[int] = []
    for path, wanted in expected.items():
        shape = next(shapes) if wanted.kind in _WEIGHTED else None
        theirs = _renumbered(wanted, chosen)
        number = next((n for n in left if steps[n].agrees(theirs) and _holds(steps[n], shape)), None)
        if number is None:
            raise WeightsError(f"where {spec.name} has {path} ({wanted}), it has {steps[left[0]]}")
        left.remove(number)
        chosen.append(number)
    return {path: steps[number] for path, number in zip(expected, chosen, strict=True)}


def _renumbered(wanted: Step, chosen: Sequence[int]) -> Step:
    """The net's step with the numbers that the file has for what it reads."""
    inputs = frozenset(PICTURE if number == PICTURE else chosen[number] for number in wanted.inputs)
    return replace(wanted, inputs=inputs)


def _holds(found: Found, shape: Sequence[int] | None) -> bool:
    """Whether its kernel is as large as wanted and makes as many channels."""
    if shape is None or found.layer is None:
        return shape is None
    return len(found.layer.weight) == shape[0] and found.layer.weight.size == prod(shape)
