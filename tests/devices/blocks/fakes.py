"""A device without a machine: its latencies follow a law over the blocks of the nets that its files describe."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edgesmith.arch.cost import count, count_total
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.files import read_json
from edgesmith.core.seed import generator
from edgesmith.devices.base import Array, Fingerprint, Session
from edgesmith.devices.blocks.bench import Effort, Efforts
from edgesmith.devices.plan import Plan
from tests.devices.fakes import FINGERPRINT, LOADED, QUIET, Noise, make_session

Law = Callable[[NetSpec], float]

QUICK = Plan(loads=2, min_rounds=1)
EFFORTS = Efforts(
    pieces=Effort(plan=QUICK, enough=3, most=5, files=16, company=3),
    nets=Effort(plan=QUICK, enough=4, most=6, files=9, company=2),
)
FAMILIES = ("mobilenet_v3_small", "mobilenet_v2", "mobilenet_v1")


def additive(spec: NetSpec) -> float:
    """Each block takes what its work, its kind of work and its memory ask for; a run takes 0.02 ms more."""
    rows = count(spec).rows
    return 0.02 + sum(
        row.cost.madds / 60e6 + row.cost.elementwise / 4e6 + row.cost.activation_bytes / 80e6 for row in rows
    )


def moody(spread: float) -> Law:
    """Each whole network has a factor of its own, which no sum of blocks can know."""

    def law(spec: NetSpec) -> float:
        digest = int(hashlib.sha256(model_hash(spec).encode()).hexdigest()[:8], 16)
        return additive(spec) * float(np.exp(np.random.default_rng(digest).normal(0, spread)))

    return law


def by_madds(spec: NetSpec) -> float:
    """Multiply-adds and nothing else."""
    return count_total(spec).madds / 60e6


@dataclass
class LawDevice:
    """Times the nets that its files describe.

    Attributes:
        law: Milliseconds of a network.
        noise: How samples are disturbed.
        shift: Standard deviation of what moves a whole session, as a logarithm; it only ever adds.
        fail_after: Sessions after which it breaks down; None for never.
        busy_after: Sessions after which other work disturbs it; None for never.
        timed: Model hashes of each session's nets.
    """

    law: Law = additive
    noise: Noise = QUIET
    shift: float = 0.02
    fail_after: int | None = None
    busy_after: int | None = None
    name: str = "fake"
    format: str = "torch"
    timed: list[tuple[str, ...]] = field(default_factory=list)
    cache: dict[Path, tuple[str, float]] = field(default_factory=dict)

    def fingerprint(self) -> Fingerprint:
        return replace(FINGERPRINT, device=self.name)

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        if self.fail_after is not None and len(self.timed) >= self.fail_after:
            raise KeyboardInterrupt
        known = [self._read(file) for file in files]
        self.timed.append(tuple(key for key, _ in known))
        rng = generator(plan.seed, "law")
        moved = float(np.exp(abs(rng.normal(0, self.shift))))
        true_ms = [ms * moved for _, ms in known]
        busy = self.busy_after is not None and len(self.timed) > self.busy_after
        noise = LOADED if busy else self.noise
        return make_session(true_ms, rng=rng, noise=noise, loads=plan.loads, rounds=4, per_visit=1)

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        return (images,)

    def _read(self, file: Path) -> tuple[str, float]:
        if file not in self.cache:
            spec = NetSpec.from_json(read_json(file))
            self.cache[file] = (model_hash(spec), self.law(spec))
        return self.cache[file]
