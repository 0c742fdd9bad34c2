"""From samples to milliseconds with an interval, and from pairs to a verdict.

What varies is nested: runs within a round, rounds within a load, loads within a session. A file's latency in a load is
a median over rounds (under contention a low tenth), its latency in a session the geometric mean over loads. Resampling
follows the nesting: loads first, then rounds within each. All subjects are resampled by the same draws, because what
disturbs a round disturbs all of it; so a ratio's interval is a paired one.

A percentile interval of few loads is too narrow. It is widened by what Student's t asks for beyond the normal
distribution. Noise within a load counts twice, once in how the loads differ and once in the draws of rounds, so where
it is large the interval is about a fifth wider than it would have to be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist, median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.bootstrap import Interval
from edgesmith.devices.base import Sample, Session

Floats = NDArray[np.float64]

MARGIN: Final = 1.01
_WAITING: Final = 0.05
_SPREAD: Final = 1.3
_STEAL: Final = 0.02
_OTHERS: Final = 0.2
LOW: Final = 0.1


class Basis(Enum):
    """Which number of a timed stretch stands for the latency.

    On a quiet machine the wall says it. Where other work takes the core in turns, the time on the core leaves the
    waiting out, but not the cold caches after each turn: its median grew by up to 40 % under load where its low tenth
    grew by 4 %. Where the time on the core is not known, the low tenth of the wall comes nearest.
    """

    WALL = "median of wall time"
    CORE = "low tenth of time on the core"
    LOW_WALL = "low tenth of wall time"


@dataclass(frozen=True, kw_only=True)
class Contention:
    """How much other work disturbed a session.

    Attributes:
        waiting: Share of the timed stretches that the thread wanted the core and did not have it; None if not known.
        spread: Median over lowest tenth of wall time, within a load; about 1.1 on a quiet machine.
        steal: Share of time that the hypervisor gave to others; None if not known.
        others: Share of the pinned cores' time that went to other work; None if not known.
    """

    waiting: float | None
    spread: float
    steal: float | None
    others: float | None

    @property
    def contended(self) -> bool:
        """Whether the wall no longer tells the latency."""
        if self.spread > _SPREAD or (self.steal or 0.0) > _STEAL:
            return True
        return self.waiting > _WAITING if self.waiting is not None else (self.others or 0.0) > _OTHERS


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """Latencies of all subjects under the session's own data and under resampled data.

    Attributes:
        log_ms: ``(subjects,)``, natural logarithm of milliseconds.
        draws: ``(subjects, draws)``, the same for each resampled session.
        num_loads: Loads behind them.
    """

    log_ms: Floats
    draws: Floats
    num_loads: int

    def latency(self, subject: int, *, confidence: float = 0.95) -> Interval:
        """Milliseconds of one subject."""
        return self._interval(self.log_ms[subject], self.draws[subject], confidence)

    def ratio(self, a: int, b: int, *, confidence: float = 0.99) -> Interval:
        """Latency of ``a`` over that of ``b``, paired."""
        return self._interval(self.log_ms[a] - self.log_ms[b], self.draws[a] - self.draws[b], confidence)

    def _interval(self, value: np.float64, draws: Floats, confidence: float) -> Interval:
        tail = (1 - confidence) / 2
        low, high = np.quantile(draws, [tail, 1 - tail]) - value
        widen = few_loads_factor(self.num_loads, confidence=confidence)
        return Interval(value=math.exp(value), low=math.exp(value + widen * low), high=math.exp(value + widen * high))


def assess_contention(session: Session) -> Contention:
    """How much other work disturbed the session, from its samples alone and from the hypervisor's count."""
    samples = session.samples
    wall = sum(sample.wall_ms * sample.runs for sample in samples)
    on_core = [sample.cpu_ms * sample.runs for sample in samples if sample.cpu_ms is not None]
    waiting = max(0.0, 1 - sum(on_core) / wall) if len(on_core) == len(samples) and wall else None
    spreads = [
        np.median(rounds) / np.quantile(rounds, LOW)
        for subject in range(len(session.first_runs_ms))
        for rounds in round_values(session, subject, Basis.WALL)
    ]
    around = session.conditions
    return Contention(waiting=waiting, spread=float(np.median(spreads)), steal=around.steal, others=around.others)


def choose_basis(session: Session, contention: Contention) -> Basis:
    """The number to trust: the wall when it was quiet, else time on the core where that is known."""
    if not contention.contended:
        return Basis.WALL
    return Basis.LOW_WALL if any(sample.cpu_ms is None for sample in session.samples) else Basis.CORE


def round_values(session: Session, subject: int, basis: Basis) -> list[Floats]:
    """For each load one value a round, in milliseconds."""
    groups: dict[int, dict[int, list[float]]] = {}
    for sample in session.samples:
        if sample.subject == subject:
            groups.setdefault(sample.load, {}).setdefault(sample.round, []).append(_value(sample, basis))
    over_visit: Callable[[list[float]], float] = median if basis is Basis.WALL else min
    return [
        np.array([over_visit(values) for _, values in sorted(rounds.items())], dtype=np.float64)
        for _, rounds in sorted(groups.items())
    ]


def resample(session: Session, basis: Basis, *, rng: np.random.Generator, draws: int = 4000) -> Resampled:
    """Bootstrap over loads and rounds, the same draws for every subject.

    Args:
        session: At least two loads of each subject.
        basis: Which number of a stretch counts.
        rng: Source of the resampling.
        draws: Resampled sessions.
    """
    tables = _load_tables(session, basis)
    point = load_log_ms(session, basis)
    inner = np.stack([_resample_rounds(table, basis, rng=rng, draws=draws) for table in tables])
    num_loads = len(tables)
    loads, which = rng.integers(num_loads, size=(draws, num_loads)), rng.integers(draws, size=(draws, num_loads))
    outer = inner[loads, which].mean(axis=1)
    return Resampled(log_ms=point.mean(axis=0), draws=outer.T, num_loads=num_loads)


def load_log_ms(session: Session, basis: Basis) -> Floats:
    """``(loads, subjects)``: natural logarithm of each subject's milliseconds in each load."""
    return np.stack([np.log(_over_rounds(table, basis)) for table in _load_tables(session, basis)])


def verdict(ratio: Interval) -> str:
    """``faster``, ``slower`` or ``cannot tell``, of ``a`` against ``b``; differences within 1 % do not count."""
    if ratio.high < 1 / MARGIN:
        return "faster"
    return "slower" if ratio.low > MARGIN else "cannot tell"


def few_loads_factor(num_loads: int, *, confidence: float) -> float:
    """How much wider an interval of so few loads must be than its bootstrap says.

    A bootstrap of ``n`` values underestimates their variance by ``(n - 1) / n`` and has normal tails; the rest is the
    ratio of Student's quantile to the normal one.

    Paper: Hesterberg, "What Teachers Should Know about the Bootstrap" (2015), section 3.2.
    """
    freedom = num_loads - 1
    if freedom < 1:
        return math.inf
    quantile = (1 + confidence) / 2
    return student_quantile(quantile, freedom) / NormalDist().inv_cdf(quantile) * math.sqrt(num_loads / freedom)


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t; 1 % or better from 3 degrees of freedom on.

    Paper: Hill, "Algorithm 396: Student's t-quantiles" (1970).
    """
    tail = 2 * min(probability, 1 - probability)
    sign = math.copysign(1.0, probability - 0.5)
    if freedom == 1:
        return sign / math.tan(tail * math.pi / 2)
    if freedom == 2:
        return sign * math.sqrt(2 / (tail * (2 - tail)) - 2)
    return sign * _hill(tail, freedom)


def _hill(tail: float, freedom: int) -> float:
    """Two-sided quantile for three degrees of freedom or more."""
    n = float(freedom)
    a = 1 / (n - 0.5)
    b = 48 / (a * a)
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y = (d * tail) ** (2 / n)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(tail / 2)
        y = x * x
        if freedom < 5:
            c += 0.3 * (n - 4.5) * (x + 0.6)
        c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y * y)
    else:
        y = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (n + 1) / (
            n + 2
        ) + 1 / y
    return math.sqrt(n * y)


def _value(sample: Sample, basis: Basis) -> float:
    if basis is Basis.CORE and sample.cpu_ms is not None:
        return sample.cpu_ms
    return sample.wall_ms


def _over_rounds(rounds: Floats, basis: Basis) -> Floats:
    """``(..., rounds) -> (...)``."""
    return np.asarray(np.quantile(rounds, 0.5 if basis is Basis.WALL else LOW, axis=-1))


def _load_tables(session: Session, basis: Basis) -> list[Floats]:
    """For each load ``(subjects, rounds)`` milliseconds."""
    subjects = range(len(session.first_runs_ms))
    return [np.stack(rounds) for rounds in zip(*(round_values(session, s, basis) for s in subjects), strict=True)]


def _resample_rounds(table: Floats, basis: Basis, *, rng: np.random.Generator, draws: int) -> Floats:
    """``(subjects, rounds) -> (draws, subjects)`` logarithms of one load's latencies."""
    num_rounds = table.shape[-1]
    picks = rng.integers(num_rounds, size=(draws, num_rounds))
    return np.log(_over_rounds(table[:, picks], basis)).T


def percentile_90(session: Session, subject: int) -> float:
    """The 90th percentile of wall time a run, over all stretches, in milliseconds."""
    return float(np.quantile(_walls(session.samples, subject), 0.9))


def lowest(session: Session, subject: int) -> float:
    """The shortest stretch on the wall, in milliseconds a run."""
    return min(_walls(session.samples, subject))


def _walls(samples: Sequence[Sample], subject: int) -> list[float]:
    return [sample.wall_ms for sample in samples if sample.subject == subject]
