"""Clocks, cores, sessions and devices without a machine behind them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgesmith.core.seed import generator
from edgesmith.devices.base import Array, Conditions, Fingerprint, Sample, Session
from edgesmith.devices.cores import Cores
from edgesmith.devices.plan import Plan

FINGERPRINT = Fingerprint(
    device="fake", runtime="none", version="1", precision="float32", threads=1, cpu="paper", os="desk", python="3"
)


class FakeClock:
    """Time that passes only when told to."""

    def __init__(self, *, has_cpu: bool = True) -> None:
        self.wall = 0.0
        self.on_core = 0.0
        self._has_cpu = has_cpu

    def work(self, seconds: float, *, waiting: float = 0.0) -> None:
        self.wall += seconds + waiting
        self.on_core += seconds

    def wall_s(self) -> float:
        return self.wall

    def cpu_s(self) -> float | None:
        return self.on_core if self._has_cpu else None

    def process_s(self) -> float | None:
        return None

    def switches(self) -> int:
        return 0


class NoCores(Cores):
    """Pins nothing."""

    def __init__(self) -> None:
        super().__init__(1, read=dict)

    def pinned(self) -> nullcontext[tuple[int, ...]]:  # type: ignore[override]
        return nullcontext(())


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How a fake machine disturbs its samples.

    Attributes:
        load: Standard deviation of the logarithm from load to load.
        round: From round to round, shared by all subjects of a round.
        sample: From sample to sample.
        waiting: Share of samples that wait for the core for three times their length.
        only_adds: Whether what differs within a load only ever makes runs longer, as cold caches do.
        has_cpu: Whether the time on the core is known.
    """

    load: float = 0.01
    round: float = 0.02
    sample: float = 0.03
    waiting: float = 0.0
    only_adds: bool = False
    has_cpu: bool = True


QUIET = Noise()
LOADED = Noise(load=0.03, round=0.15, sample=0.15, waiting=0.6, only_adds=True)


def make_session(
    true_ms: Sequence[float],
    *,
    rng: np.random.Generator,
    noise: Noise = QUIET,
    loads: int = 10,
    rounds: int = 10,
    per_visit: int = 3,
) -> Session:
    """Samples of subjects that take ``true_ms``, with nested noise."""
    samples = []

    def within(spread: float) -> float:
        drawn = float(rng.normal(0, spread))
        return float(np.exp(abs(drawn) if noise.only_adds else drawn))

    for load in range(loads):
        placed = np.array(true_ms) * np.exp(rng.normal(0, noise.load, len(true_ms)))
        for number in range(rounds):
            shared = within(noise.round)
            for subject, base in enumerate(placed):
                for _ in range(per_visit):
                    cpu = float(base * shared * within(noise.sample))
                    wall = cpu * (4.0 if rng.random() < noise.waiting else 1.0)
                    known = cpu if noise.has_cpu else None
                    samples.append(Sample(subject=subject, load=load, round=number, wall_ms=wall, cpu_ms=known, runs=1))
    return Session(
        fingerprint=FINGERPRINT,
        conditions=Conditions(load_before=0.5, load_after=0.6),
        samples=tuple(samples),
        first_runs_ms=tuple((10.0 * ms,) * loads for ms in true_ms),
        seconds=float(loads),
    )


@dataclass
class FakeDevice:
    """Times files by their names: ``2.5.onnx`` takes 2.5 ms."""

    name: str = "fake"
    format: str = "onnx"
    noise: Noise = QUIET
    calls: list[Plan] = field(default_factory=list)

    def fingerprint(self) -> Fingerprint:
        return FINGERPRINT

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        self.calls.append(plan)
        rng = generator(plan.seed, "fake")
        return make_session([float(file.stem) for file in files], rng=rng, noise=self.noise, loads=plan.loads)

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        return (images,)
