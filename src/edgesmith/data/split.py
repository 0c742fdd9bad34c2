"""Seeded, stratified cuts: the same seed and the same files give the same parts on every machine."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator
from edgesmith.data.samples import Sample


def hold_out(samples: Sequence[Sample], fraction: float, *, seed: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Cut the same fraction from every class.

    A class of two or more pictures gives at least one and keeps at least one; a class of one keeps it.

    Args:
        samples: Any order; both parts come back sorted by name.
        fraction: Share to hold out, between 0 and 1.
        seed: Each class draws from its own stream, so a changed class leaves the cut of the others alone.

    Returns:
        The rest and the held-out part.

    Raises:
        UsageError: The fraction is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise UsageError(f"the fraction to hold out must be between 0 and 1, got {fraction}")
    held: set[str] = set()
    for label, names in _by_label(samples).items():
        order = generator(seed, "hold_out", label).permutation(len(names))
        held |= {names[i] for i in order[: _share(len(names), fraction)]}
    ordered = sorted(samples, key=lambda sample: sample.name)
    return tuple(s for s in ordered if s.name not in held), tuple(s for s in ordered if s.name in held)


def count_labels(samples: Iterable[Sample], num_classes: int) -> list[int]:
    """Pictures per label."""
    counts = [0] * num_classes
    for sample in samples:
        counts[sample.label] += 1
    return counts


def _by_label(samples: Sequence[Sample]) -> dict[int, list[str]]:
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for sample in samples:
        groups[sample.label].append(sample.name)
    return {label: sorted(names) for label, names in sorted(groups.items())}


def _share(count: int, fraction: float) -> int:
    return 0 if count < 2 else min(max(math.floor(count * fraction + 0.5), 1), count - 1)
