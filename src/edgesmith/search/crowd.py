"""Many points of a space at once, as one array: samples, mutants, children. A tenth of the time of one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.space.choices import Encoding, Space

Codes = NDArray[np.intp]
"""``(points, choices)`` numbers of options."""

_ODD = 0x9E3779B97F4A7C15


def codes_of(points: Sequence[Encoding], space: Space) -> Codes:
    """An array of points."""
    return np.array(points, dtype=np.intp).reshape(len(points), len(space.choices))


def points_of(codes: Codes) -> list[Encoding]:
    """The points of an array."""
    return [tuple(row) for row in codes.tolist()]


def sample(space: Space, count: int, rng: np.random.Generator) -> Codes:
    """Points drawn evenly in every choice; see `Space.sample`."""
    return normal(space, rng.integers(_sizes(space), size=(count, len(space.choices))))


def normal(space: Space, codes: Codes) -> Codes:
    """The first option wherever a choice has no effect; see `Space.normal`."""
    return np.where(_active(space, codes), codes, 0)


def mutate(
    space: Space, codes: Codes, rng: np.random.Generator, *, changes: float | NDArray[np.float64] = 1.0
) -> Codes:
    """Some choices drawn anew in each point, of which at least one becomes another; see `Space.mutate`.

    Args:
        space: Whose points they are.
        codes: What is changed.
        rng: Draws.
        changes: How many choices of a point are drawn anew on average; one number for all, or one for each.
    """
    sizes = _sizes(space)
    free = _active(space, codes) & (sizes > 1)
    counts = free.sum(axis=1)
    rate = (np.broadcast_to(changes, len(codes)) - 1) / np.maximum(1, counts - 1)
    mutants = np.where(free & (rng.random(codes.shape) < rate[:, None]), rng.integers(sizes, size=codes.shape), codes)
    rows = np.flatnonzero(counts)
    certain = np.where(free, rng.random(codes.shape), -1.0).argmax(axis=1)[rows]
    step = 1 + (rng.random(len(rows)) * (sizes[certain] - 1)).astype(np.intp)
    mutants[rows, certain] = (codes[rows, certain] + step) % sizes[certain]
    return normal(space, mutants)


def cross(space: Space, first: Codes, second: Codes, rng: np.random.Generator) -> Codes:
    """Each choice from one of two points, row by row; see `Space.crossover`."""
    return normal(space, np.where(rng.random(first.shape) < 0.5, first, second))


def fingerprints(codes: Codes) -> NDArray[np.uint64]:
    """``(points,)`` numbers that are equal for equal points, and hardly ever for others."""
    factors = np.cumprod(np.full(codes.shape[1], _ODD, dtype=np.uint64))
    marks: NDArray[np.uint64] = (codes.astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
    return marks


def distinct(codes: Codes, known: Codes) -> Codes:
    """Each point once, in the order of their first rows, without those that are known."""
    marks = fingerprints(codes)
    _, first = np.unique(marks, return_index=True)
    first.sort()
    return codes[first[~np.isin(marks[first], fingerprints(known))]]


def _active(space: Space, codes: Codes) -> NDArray[np.bool_]:
    used = np.ones(codes.shape, dtype=np.bool_)
    for place, need in space.needs.items():
        used[:, place] = codes[:, need.place] >= need.least
    return used


def _sizes(space: Space) -> Codes:
    return np.array([len(choice.options) for choice in space.choices], dtype=np.intp)
