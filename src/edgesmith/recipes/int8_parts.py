"""What of a network may stay in float when the rest becomes int8."""

from __future__ import annotations

import re
from typing import Final

from edgesmith.arch.map_operations import Resize
from edgesmith.arch.network import Part, trace_network
from edgesmith.arch.operations import Convolution, Gate, Linear
from edgesmith.arch.spec import NetSpec
from edgesmith.deploy.operator_names import ANY
from edgesmith.recipes.models import CLASSIFICATION

_NUMBERED: Final = re.compile(r"([a-z]+)\d")


def parts_of(spec: NetSpec) -> tuple[str, ...]:
    """Each block, each gate on its own, the head, and of that what gives the answers: a classifier, or all layers."""
    network = trace_network(spec)
    blocks = tuple(f"blocks.{index}" for index in range(len(network.blocks)))
    gates = tuple(
        f"{block}.{operation.name}"
        for block, part in zip(blocks, network.blocks, strict=True)
        for operation in part.operations
        if isinstance(operation, Gate)
    )
    layers = _classifier(network.head) if spec.head.task == CLASSIFICATION else _layers(network.head)
    return (*blocks, *gates, "head", *layers)


def _classifier(head: Part) -> tuple[str, ...]:
    """The last layer, where others come before it: its scores share one step, and in float it costs least."""
    last = head.operations[-1]
    return (f"head.{last.name}",) if isinstance(last, Linear) else ()


def _layers(head: Part) -> tuple[str, ...]:
    """Convolutions and resizes; those whose names differ by a number, one a map, together: ``head.box*``."""
    names = [operation.name for operation in head.operations if isinstance(operation, Convolution | Resize)]
    numbered = [(_NUMBERED.match(name), name) for name in names]
    return tuple(dict.fromkeys(f"head.{found[1]}{ANY}" if found else f"head.{name}" for found, name in numbered))
