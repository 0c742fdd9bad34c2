"""Accel-NASBench as a function: accuracy and eight pieces of hardware of any network of its space, by ridge regression.

The table holds 5,138 of some 10^11 networks. Features are the options of each block (expansion, kernel, layers, gate),
the pairs of expansion and layers, and the blocks whole. Accuracy is fitted as it is, hardware in logarithms; 1,000
networks are held out, and `Fitted.tau` is the rank correlation there.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.space.choices import Choice, Encoding, Space
from edgesmith.core.seed import generator
from edgesmith.devices.blocks.gate import kendall_tau

Floats: TypeAlias = NDArray[np.float64]

FILE: Final = Path("data/accel-nasbench/accel_nasbench.csv.gz")
ACCURACY: Final = "val_top1"
LATENCIES: Final = ("lat_zcu102_ms", "lat_vck190_ms")
THROUGHPUTS: Final = ("thr_a100", "thr_3090", "thr_tpuv2", "thr_tpuv3", "thr_zcu102", "thr_vck190")
HARDWARE: Final = (*LATENCIES, *THROUGHPUTS)
HELD_OUT: Final = 1000
BLOCKS: Final = 7
DEEP_BLOCK: Final = 5
OPTIONS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {"e": (1, 4, 6), "k": (3, 5), "l": (1, 2, 3, 4), "se": (0, 1)}
)
_RIDGE: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """One column as a function of networks.

    Attributes:
        column: Its name in the table.
        weights: ``(features,)``; the last is the constant.
        points: The table's networks.
        tau: Kendall's rank correlation with the networks that were held out.
        worst_tenth: What a tenth of the table's networks are no better than: the reference of fronts.
        middle: The table's median.
    """

    column: str
    weights: Floats
    points: Sequence[Encoding]
    tau: float
    worst_tenth: float
    middle: float

    def of(self, codes: NDArray[np.intp]) -> Floats:
        """``(points,)`` in the column's unit: points of accuracy, milliseconds, pictures a second."""
        found: Floats = features(codes) @ self.weights
        return found if self.column == ACCURACY else np.exp(found)


def accel_choices() -> Space:
    """Four choices for each of seven blocks; the sixth has up to four layers, the others three."""
    return Space(
        [
            Choice(name=f"b{block}_{name}", options=options[: 3 + (name != "l" or block == DEEP_BLOCK)], ordered=True)
            for block in range(BLOCKS)
            for name, options in OPTIONS.items()
        ]
    )


def features(codes: NDArray[np.intp]) -> Floats:
    """``(points, features)`` of points of `accel_choices`."""
    sizes = [len(options) for options in OPTIONS.values()]
    blocks = codes.reshape(len(codes), BLOCKS, len(sizes))
    expansion, kernel, layers, gate = np.moveaxis(blocks, 2, 0)
    pairs = expansion * sizes[2] + layers
    whole = (pairs * sizes[1] + kernel) * sizes[3] + gate
    numbers = [(expansion, 3), (kernel, 2), (layers, 4), (gate, 2), (pairs, 12), (whole, 48)]
    parts = [np.eye(size)[number].reshape(len(codes), -1) for number, size in numbers]
    return np.concatenate([*parts, np.ones((len(codes), 1))], axis=1)


def read_accel(shared: Path) -> dict[str, Fitted]:
    """Every column fitted, the same each time."""
    with gzip.open(shared / FILE, "rt") as file:
        rows = list(csv.DictReader(file))
    space = accel_choices()
    points = [tuple(choice.options.index(int(row[choice.name])) for choice in space.choices) for row in rows]
    return {column: _fit(column, points, [row[column] for row in rows]) for column in (ACCURACY, *HARDWARE)}


def goal_of(column: str, values: Floats) -> Floats:
    """What is to be raised: minus a latency, a throughput as it is."""
    return -values if column in LATENCIES else values


def _fit(column: str, points: Sequence[Encoding], texts: Sequence[str]) -> Fitted:
    measured = np.array([bool(text) for text in texts])
    values = np.array([float(text) for text in texts if text])
    codes = np.array(points, dtype=np.intp)[measured]
    order = generator(0, column).permutation(len(values))
    held_out, used = order[:HELD_OUT], order[HELD_OUT:]
    matrix, targets = features(codes), values if column == ACCURACY else np.log(values)
    penalty = _RIDGE * np.eye(matrix.shape[1])
    penalty[-1, -1] = 0.0
    normal = matrix[used].T @ matrix[used] + penalty
    weights: Floats = np.linalg.solve(normal, matrix[used].T @ targets[used])
    tau = kendall_tau((matrix[held_out] @ weights).tolist(), targets[held_out].tolist())
    worst = np.quantile(values, 0.9 if column in LATENCIES else 0.1)
    return Fitted(
        column=column,
        weights=weights,
        points=points,
        tau=tau,
        worst_tenth=float(worst),
        middle=float(np.median(values)),
    )
