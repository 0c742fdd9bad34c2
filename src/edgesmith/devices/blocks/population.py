"""Random networks that a table is fitted to and tried on: relatives of the MobileNet families.

A few ancestors are drawn first, a zoo net each at some width and resolution. A relative changes whole stages of one
(kernel, expansion, gates, depth) and the number of classes. So relatives share many blocks, and a table of some hundred
pieces serves dozens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

import numpy as np

from edgesmith.arch.channels import make_divisible
from edgesmith.arch.cost import count_parts, count_total, input_shape
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find

FAMILIES: Final = (
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "mobilenet_v2",
    "mnasnet_a1",
    "mobilenet_v4_conv_small",
    "mobilenet_v1",
)
_WIDTHS: Final = (0.35, 0.5, 0.75, 1.0, 1.25)
_RESOLUTIONS: Final = (96, 128, 160, 192, 224)
_KERNELS: Final = (3, 5, 7)
_EXPANSIONS: Final = (0.5, 0.75, 1.0)
_CLASSES: Final = (10, 100, 1000)
_CHANGED: Final = 0.6
_GATE_TOGGLED: Final = 0.25
_DEPTH_CHANGED: Final = 0.5
LIGHTEST: Final = 45e6
HEAVIEST: Final = 220e6
_NEAREST: Final = 3


def draw_ancestors(rng: np.random.Generator, families: Sequence[str] = FAMILIES) -> tuple[NetSpec, ...]:
    """One net a family, spread evenly over the range of multiply-adds; who is light and who heavy is drawn.

    Args:
        rng: Draws them.
        families: Zoo names that take a width.
    """
    targets = rng.permutation(np.geomspace(LIGHTEST, HEAVIEST, len(families)))
    return tuple(_ancestor(name, float(target), rng) for name, target in zip(families, targets, strict=True))


def draw_relatives(ancestors: Sequence[NetSpec], rng: np.random.Generator) -> Iterator[NetSpec]:
    """Relatives without end, of each ancestor in turn, none twice."""
    seen: set[str] = set()
    turn = 0
    while True:
        ancestor = ancestors[turn % len(ancestors)]
        spec = relative(ancestor, rng)
        turn += 1
        digest = model_hash(spec)
        if digest not in seen:
            seen.add(digest)
            yield replace(spec, name=f"{ancestor.name}#{digest}")


def relative(spec: NetSpec, rng: np.random.Generator) -> NetSpec:
    """A legal network with some stages of ``spec`` changed, and its classes; widths between stages stay."""
    blocks: list[Block] = []
    for stage in _stages(spec):
        blocks += _changed(stage, rng)
    return replace(spec, blocks=tuple(blocks), num_classes=int(rng.choice(_CLASSES)))


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A block with its input's channels, and whether it could stand there once more or be left out."""

    block: Any
    in_channels: int
    repeats: bool


def _ancestor(name: str, target: float, rng: np.random.Generator) -> NetSpec:
    """A variant whose multiply-adds are near the target: one of the three nearest."""
    variants = [find(f"{name}@width={width:g},resolution={side}") for width, side in product(_WIDTHS, _RESOLUTIONS)]
    variants.sort(key=lambda spec: abs(math.log(count_total(spec).madds / target)))
    return variants[int(rng.integers(_NEAREST))]


def _stages(spec: NetSpec) -> list[list[_Placed]]:
    """Neighbouring blocks of one kind and output; stem and tail are stages of their own."""
    parts, _ = count_parts(spec)
    shapes = [input_shape(spec), *(part.out for part in parts)]
    stages: list[list[_Placed]] = []
    key: object = None
    for index, block in enumerate(spec.blocks):
        placed = _Placed(block=block, in_channels=shapes[index][0], repeats=shapes[index] == shapes[index + 1])
        if key != (key := (block.kind, shapes[index + 1])):
            stages.append([])
        stages[-1].append(placed)
    return stages


def _changed(stage: Sequence[_Placed], rng: np.random.Generator) -> list[Block]:
    """The stage with one kernel, one expansion and perhaps another gate and depth for all of its blocks."""
    if rng.random() >= _CHANGED:
        return [placed.block for placed in stage]
    kernel, scale = int(rng.choice(_KERNELS)), float(rng.choice(_EXPANSIONS))
    toggles, deeper, shallower = rng.random() < _GATE_TOGGLED, *_depth(rng)
    kept = [
        placed
        for index, placed in enumerate(stage)
        if not (shallower and placed.repeats and index == len(stage) - 1 > 0)
    ]
    if deeper and kept[-1].repeats:
        kept.append(kept[-1])
    return [_edited(placed, kernel=kernel, scale=scale, toggles=toggles) for placed in kept]


def _depth(rng: np.random.Generator) -> tuple[bool, bool]:
    if rng.random() >= _DEPTH_CHANGED:
        return False, False
    deeper = bool(rng.random() < 0.5)
    return deeper, not deeper


def _edited(placed: _Placed, *, kernel: int, scale: float, toggles: bool) -> Block:
    block = placed.block
    if block.kind in ("conv", "pooling"):
        plain: Block = block
        return plain
    values: dict[str, Any] = {}
    for name in ("kernel_size", "start_kernel", "middle_kernel"):
        if getattr(block, name, 0):
            values[name] = kernel
    wide = getattr(block, "expand_channels", placed.in_channels)
    if wide != placed.in_channels:
        values["expand_channels"] = wide = max(make_divisible(wide * scale), placed.in_channels + 8)
    if isinstance(block, InvertedResidual):
        has_gate = (block.gate is None) if toggles else (block.gate is not None)
        old = block.gate or GateSpec(squeeze_channels=8)
        values["gate"] = replace(old, squeeze_channels=make_divisible(wide / 4)) if has_gate else None
    edited: Block = replace(block, **values)
    return edited
