"""What heads with an answer for every place mean for int8: ends that stay in float, kinds that others do not have."""

from __future__ import annotations

from edgesmith.arch.map_operations import Anchored, Resize
from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.deploy.quantize.base import Kind, QuantPlan


def float_ends(spec: NetSpec) -> tuple[str, ...]:
    """Parts that stay in float in every file.

    A detector's end puts corners and scores side by side; in int8 both would have one step, and scores need one far
    finer than corners.
    """
    operations = trace_network(spec).head.operations
    return tuple(f"head.{operation.name}" for operation in operations if isinstance(operation, Anchored))


def last_part(spec: NetSpec) -> str:
    """The operation that gives the answers, such as ``head.classifier``."""
    return f"head.{trace_network(spec).head.operations[-1].name}"


def absent_kinds(spec: NetSpec) -> frozenset[Kind]:
    """Kinds that the network has none of, so that nobody need try them."""
    network = trace_network(spec)
    resizes = any(isinstance(operation, Resize) for operation in network.head.operations)
    return frozenset() if resizes else frozenset({Kind.RESIZE})


def refuse_shared_step(spec: NetSpec, plan: QuantPlan) -> None:
    """Refuse answers in steps where one step cannot serve all of them.

    Raises:
        UsageError: The network is a detector, and the plan's ends are in steps.
    """
    if plan.integer_ends and float_ends(spec):
        raise UsageError(
            "int8 files of a detector answer in plain numbers: corners and scores cannot share a step; "
            "choose --input float32 or uint8"
        )
