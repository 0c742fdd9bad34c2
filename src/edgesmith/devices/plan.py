"""How a session is laid out; plain numbers, so that a device elsewhere can follow it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from edgesmith.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One call of `Device.time`, and when `measure` has enough of them.

    A *load* is one loading of every file: load in shuffled order, warm up, then rounds in which every file is visited
    once, in an order shuffled for each round. A *visit* is ``settle_runs`` runs that are not timed, because the visit
    before left the caches full of another network, and then ``samples`` timed stretches.

    Attributes:
        loads: Loads in one call of `Device.time`; `measure` begins with so many and then asks for what fits a second.
        load_s: Aimed length of one file's rounds in one load, seconds; sets the number of rounds.
        min_rounds: Rounds in a load, at least, however slow the files are.
        max_rounds: Rounds in a load, at most.
        settle_runs: Untimed runs at the start of a visit.
        samples: Timed stretches in a visit; fewer for files so slow that a visit would pass ``visit_ms``.
        visit_ms: Longest visit, as long as it has one stretch.
        sample_ms: Shortest timed stretch; faster files run several times in one.
        warmup_runs: Runs after a load before anything is timed, at least (the first is reported apart).
        warmup_s: The warm-up goes on until it is stable, but not beyond this.
        seed: Shuffles the orders.
        min_loads: Loads that `measure` takes however slow the files are.
        enough_loads: Loads that it takes, if time allows, before it believes that an interval is narrow.
        max_loads: Loads that `measure` takes at most.
        limit_s: `measure` begins nothing new after this, once it has ``min_loads``.
        precision: `measure` stops when the 99 % intervals of all ratios reach no further than this on either side, and
            the 95 % intervals of all latencies no further than twice this.
    """

    loads: int = 2
    load_s: float = 0.12
    min_rounds: int = 4
    max_rounds: int = 16
    settle_runs: int = 1
    samples: int = 3
    visit_ms: float = 60.0
    sample_ms: float = 0.5
    warmup_runs: int = 8
    warmup_s: float = 0.25
    seed: int = 0
    min_loads: int = 4
    enough_loads: int = 8
    max_loads: int = 40
    limit_s: float = 12.0
    precision: float = 0.01

    def __post_init__(self) -> None:
        counts = ("loads", "min_rounds", "max_rounds", "samples", "warmup_runs", "max_loads")
        for name in counts:
            if getattr(self, name) < 1:
                raise UsageError(f"{name} of a measuring plan must be at least 1, got {getattr(self, name)}")
        if self.min_loads < 3:
            raise UsageError(f"min_loads must be at least 3, got {self.min_loads}: an interval needs several loads")
        for name in ("load_s", "sample_ms", "visit_ms", "warmup_s", "limit_s", "precision"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} of a measuring plan must be more than zero, got {getattr(self, name)}")
        if not self.min_loads <= self.enough_loads <= self.max_loads:
            raise UsageError("a measuring plan needs min_loads <= enough_loads <= max_loads")
        if self.max_rounds < self.min_rounds or self.settle_runs < 0:
            raise UsageError("a measuring plan needs min_rounds <= max_rounds and settle_runs >= 0")

    def num_rounds(self, run_ms: float) -> int:
        """Rounds in a load for files whose run takes ``run_ms`` on average."""
        visit_ms = run_ms * self.settle_runs + self.num_samples(run_ms) * max(run_ms, self.sample_ms)
        return min(self.max_rounds, max(self.min_rounds, round(self.load_s * 1e3 / visit_ms)))

    def num_samples(self, run_ms: float) -> int:
        """Timed stretches in one visit of a file whose run takes ``run_ms``."""
        fitting = int(self.visit_ms / max(run_ms, self.sample_ms)) - self.settle_runs
        return max(1, min(self.samples, fitting))

    def num_runs(self, run_ms: float) -> int:
        """Runs in one timed stretch of a file whose run takes ``run_ms``."""
        return max(1, math.ceil(self.sample_ms / max(run_ms, 1e-6) - 1e-6))


QUICK: Final = Plan(load_s=0.06, warmup_s=0.1, min_loads=4, enough_loads=6, max_loads=16, limit_s=5.0, precision=0.03)
