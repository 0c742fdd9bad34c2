"""How near a network comes to what a core can do at most.

A layer takes at least the time of its multiply-adds at the rate of a matrix product, and at least the time in which its
weights, its input and its output are moved. The longer of both, summed over the layers, is a bound that no file passes
which computes layer by layer and multiply-add by multiply-add.

Paper: Williams, Waterman, Patterson, "Roofline" (2009); with the bandwidth of the cache that holds the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.values import Operation
from edgesmith.deploy.base import INT8
from edgesmith.devices.base import Fingerprint
from edgesmith.devices.roofline.machine import Machine

_NARROWER: Final = ("bf16", "f16")


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """A latency beside what the core could do.

    Attributes:
        madds: Multiply-adds of the network.
        gflops: Billions of operations a second that the run comes to; a multiply-add is two.
        limit_gflops: What this core's matrix product comes to, in the file's number format.
        share: The one over the other.
        compute_ms: What the multiply-adds take at the limit.
        bound_ms: What the layers take at least, their data moved.
        memory_gbs: Bandwidth of this core to the memory, billions of bytes a second.
    """

    madds: int
    gflops: float
    limit_gflops: float
    share: float
    compute_ms: float
    bound_ms: float
    memory_gbs: float


def is_bounded(fingerprint: Fingerprint) -> bool:
    """Whether a core's limits hold for a setting: one thread, and no arithmetic narrower than the file's."""
    narrower = any(option.partition("=")[2] in _NARROWER or option == "bf16=on" for option in fingerprint.options)
    return fingerprint.threads == 1 and not narrower


def roofline(spec: NetSpec, ms: float, machine: Machine, *, precision: str) -> Roofline:
    """Set a network's latency beside the core's limits.

    Args:
        spec: The network.
        ms: Its latency on one core of ``machine``.
        machine: The limits.
        precision: Number format of the file: ``float32`` or ``int8``.
    """
    is_int8 = precision == INT8
    rate = machine.int8_gflops if is_int8 else machine.float32_gflops
    layers = [_Layer.of(operation, 1 if is_int8 else 4) for operation in _operations(spec)]
    weights_gbs = machine.fastest_gbs(sum(layer.weight_bytes for layer in layers))
    bound_s = sum(layer.least_s(machine, rate, weights_gbs) for layer in layers)
    madds = sum(layer.madds for layer in layers)
    gflops = 2 * madds / ms / 1e6
    return Roofline(
        madds=madds,
        gflops=gflops,
        limit_gflops=rate,
        share=gflops / rate,
        compute_ms=2 * madds / rate / 1e6,
        bound_ms=bound_s * 1e3,
        memory_gbs=machine.memory_gbs,
    )


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """What one operation computes and moves."""

    madds: int
    weight_bytes: int
    moved_bytes: int

    @classmethod
    def of(cls, operation: Operation, element_bytes: int) -> _Layer:
        work = operation.work()
        moved = sum(value.size for value in operation.inputs) + operation.output.size
        return cls(
            madds=work.conv + work.linear,
            weight_bytes=element_bytes * sum(tensor.size for tensor in operation.tensors() if tensor.learned),
            moved_bytes=element_bytes * moved,
        )

    def least_s(self, machine: Machine, gflops: float, weights_gbs: float) -> float:
        """Seconds. Weights lie where the weights of the whole network fit, activations where they fit themselves."""
        moving = self.moved_bytes / machine.fastest_gbs(self.moved_bytes) + self.weight_bytes / weights_gbs
        return max(2 * self.madds / gflops, moving) / 1e9


def _operations(spec: NetSpec) -> list[Operation]:
    """Convolutions, linear layers and gates; sums and pools may be part of their neighbours."""
    network = trace_network(spec)
    found = [operation for part in (*network.blocks, network.head) for operation in part.operations]
    return [operation for operation in found if operation.work().conv + operation.work().linear]
