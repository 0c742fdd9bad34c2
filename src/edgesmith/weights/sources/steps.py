"""A network as a plain list of steps: what a graph in a file is compared with, operation by operation.

Equal kernels do not make equal networks: activation, stride, sums and gates must agree too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgesmith.arch.map_operations import Multiply, Resize, WindowMean
from edgesmith.arch.names import Activation
from edgesmith.arch.network import Part, trace_network
from edgesmith.arch.operations import Add, Convolution, Dropout, Gate, GlobalPool, Linear
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.values import Operation, Value
from edgesmith.core.errors import WeightsError

PICTURE = -1
ALIGNED: Final = "aligned"
HALF: Final = "half"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that a network does.

    Attributes:
        kind: ``conv`` (a linear layer too), ``depthwise``, ``pool`` (the mean of all pixels), ``window`` (means of
            some), ``resize`` (bilinear), ``product`` or ``sum``.
        inputs: Numbers of the steps that it reads; `PICTURE` for the net's input.
        activation: What follows it: an `Activation`'s name, or a gate's last one.
        stride: In pixels.
        dilation: Distance between a filter's taps, in pixels.
        window: Height, width and steps, down and across, of the windows that means are taken of; empty for others.
        corners: Where a resize puts its samples: `ALIGNED`, or `HALF` a pixel in; empty for others.
    """

    kind: str
    inputs: frozenset[int]
    activation: str = Activation.NONE.value
    stride: int = 1
    dilation: int = 1
    window: tuple[int, ...] = ()
    corners: str = ""

    def __str__(self) -> str:
        """For messages."""
        parts = [self.kind, f"stride {self.stride}"]
        parts += [f"dilation {self.dilation}"] if self.dilation > 1 else []
        parts += ["{}x{} windows every {}x{} pixels".format(*self.window)] if self.window else []
        parts += [f"corners {self.corners}"] if self.corners else []
        return ", ".join([*parts, f"activation {self.activation}", f"reading {sorted(self.inputs)}"])


class _Recorder:
    """Turns operations into steps; knows which step has made each value."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self._made: dict[int, int] = {}

    def begin(self, picture: Value) -> None:
        self._made[picture.index] = PICTURE

    def part(self, prefix: str, part: Part) -> None:
        for operation in part.operations:
            self._record(f"{prefix}.{operation.name}", operation)

    def _record(self, path: str, operation: Operation) -> None:
        read = [self._made[value.index] for value in operation.inputs]
        match operation:
            case Convolution():
                is_depthwise = operation.groups == operation.inputs[0].channels > 1
                kind = "depthwise" if is_depthwise else "conv"
                made = self._step(
                    path, kind, read, operation.activation.value, stride=operation.stride, dilation=operation.dilation
                )
            case Linear():
                made = self._step(path, "conv", read, operation.activation.value)
            case Gate():
                made = self._gate(path, read, operation)
            case GlobalPool():
                made = self._step(path, "pool", read)
            case Add():
                made = self._step(path, "sum", read, operation.activation.value)
            case WindowMean() if min(operation.window) > 0:
                made = self._step(path, "window", read, window=(*operation.window, *operation.stride))
            case WindowMean():
                made = self._step(path, "pool", read)
            case Resize():
                corners = ALIGNED if operation.align_corners else HALF
                made = self._step(path, "resize", read[:1], corners=corners)
            case Multiply():
                made = self._step(path, "product", read)
            case Dropout():
                made = read[0]
            case _:
                raise WeightsError(f"graphs with a {type(operation).__name__} ({path}) cannot be compared with a file")
        self._made[operation.output.index] = made

    def _gate(self, path: str, read: list[int], operation: Gate) -> int:
        """Mean, narrow, ReLU, widen, gate, multiply."""
        pooled = self._step(f"{path}.pool", "pool", read)
        narrow = self._step(f"{path}.squeeze", "conv", [pooled], Activation.RELU.value)
        gate = self._step(f"{path}.excite", "conv", [narrow], operation.kind.value)
        return self._step(path, "product", [*read, gate])

    def _step(
        self,
        path: str,
        kind: str,
        read: list[int],
        activation: str = Activation.NONE.value,
        *,
        stride: int = 1,
        dilation: int = 1,
        window: tuple[int, ...] = (),
        corners: str = "",
    ) -> int:
        self.steps[path] = Step(
            kind=kind,
            inputs=frozenset(read),
            activation=activation,
            stride=stride,
            dilation=dilation,
            window=window,
            corners=corners,
        )
        return len(self.steps) - 1


def expected_steps(spec: NetSpec) -> dict[str, Step]:
    """The steps of a zoo net in forward order, by the path of the module that takes them.

    A gate's inner steps stand under its path: ``blocks.3.gate.pool``, ``.squeeze`` and ``.excite``.

    Raises:
        WeightsError: The net has an operation that is none of these steps.
    """
    network = trace_network(spec)
    recorder = _Recorder()
    recorder.begin(network.blocks[0].inputs[0])
    for index, part in enumerate(network.blocks):
        recorder.part(f"blocks.{index}", part)
    recorder.part("head", network.head)
    return recorder.steps
