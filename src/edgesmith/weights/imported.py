"""What every importer gives: a spec, a whole state, and the preprocessing that the weights were trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from edgesmith.arch.spec import NetSpec
from edgesmith.data.preprocessing import Preprocessing


@dataclass(frozen=True, kw_only=True)
class Range:
    """The values that a tensor may take in a quantized file: what lies outside is clipped.

    Attributes:
        low: The least value.
        high: The greatest value.
        step: Distance between neighbouring values, with zero among them; 0 where it is not known.
    """

    low: float
    high: float
    step: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Somebody's trained network.

    Attributes:
        name: What its origin calls it.
        spec: The network, with its number of classes and its resolution.
        state: Every tensor that the built network holds, under its keys.
        preprocessing: From picture to input, as at the origin; it is applied once, by whoever feeds the network.
        classes: Names in the order of the logits; empty where the origin has none.
        source: Where it comes from, for people.
        notes: One line for each thing that was handled on the way.
        ranges: Activation ranges of a quantized file by the name of the operation (``blocks.3.expand``) that makes
            the activation, ``input`` for the picture; ``blocks.3.expand.linear`` is the value before the activation,
            ``blocks.3.gate.pool``, ``.squeeze`` and ``.excite`` are a gate's inner values. None for float weights.
    """

    name: str
    spec: NetSpec
    state: Mapping[str, Tensor]
    preprocessing: Preprocessing
    classes: tuple[str, ...] = ()
    source: str = ""
    notes: tuple[str, ...] = field(default=())
    ranges: Mapping[str, Range] | None = None
