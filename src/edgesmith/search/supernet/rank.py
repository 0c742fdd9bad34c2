"""Whether a supernet's ranking may be trusted: Kendall's tau against nets that were trained alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.devices.blocks.gate import kendall_tau
from edgesmith.search.supernet.supernet import Supernet

LEAST_TAU: Final = 0.5
NUM_NETS: Final = 12
_FEWEST: Final = 3
_DRAWS: Final = 2000
_TRIES_A_NET: Final = 50


@dataclass(frozen=True, kw_only=True)
class RankAgreement:
    """How two rankings of the same nets agree.

    Attributes:
        specs: The nets.
        shared: Their scores with the supernet's weights.
        alone: Their scores after a training of their own.
        tau: Kendall's tau-b between the two; not a number where a side is all ties.
        low: Lower end of its 95 % bootstrap interval over the nets.
        high: Upper end.
    """

    specs: tuple[NetSpec, ...]
    shared: tuple[float, ...]
    alone: tuple[float, ...]
    tau: float
    low: float
    high: float

    @property
    def warning(self) -> str | None:
        """Why the ranking is not to be trusted; None where it may be."""
        if self.tau >= LEAST_TAU:
            return None
        return (
            f"the supernet's ranking is not to be trusted: Kendall's tau against {len(self.specs)} nets trained alone "
            f"is {self.tau:.2f} ({self.low:.2f} to {self.high:.2f}), below {LEAST_TAU}"
        )


def rank_agreement(
    supernet: Supernet,
    points: Sequence[Encoding],
    train_alone: Callable[[NetSpec], float],
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> RankAgreement:
    """Score nets with the shared weights and after a training of their own, and compare the orders.

    Args:
        supernet: Trained.
        points: The nets, 10 to 20 of different sizes, such as `distinct_points`; 3 at least.
        train_alone: Trains a net from scratch and scores it on the pictures that the supernet is scored on.
        seed: Of the bootstrap.
        progress: Told of each net.

    Raises:
        UsageError: There are fewer than 3 nets.
    """
    specs = tuple(supernet.spec(point) for point in points)
    shared, alone = [], []
    with progress.stage("rank correlation", len(points), "nets") as stage:
        for point, spec in zip(points, specs, strict=True):
            shared.append(supernet.score(point))
            alone.append(train_alone(spec))
            stage.advance(detail=spec.name)
    return compare_ranks(specs, shared, alone, seed=seed)


def compare_ranks(
    specs: Sequence[NetSpec], shared: Sequence[float], alone: Sequence[float], *, seed: int = 0
) -> RankAgreement:
    """Tau of two lists of scores, with its percentile-bootstrap interval over the nets.

    Raises:
        UsageError: There are fewer than 3 nets.
    """
    if len(specs) < _FEWEST:
        raise UsageError(f"a rank correlation needs {_FEWEST} nets or more, and 10 to say much; got {len(specs)}")
    rng, ours, theirs = generator(seed, "tau"), np.asarray(shared), np.asarray(alone)
    taus = []
    for _ in range(_DRAWS):
        taken = rng.integers(0, len(specs), len(specs))
        taus.append(kendall_tau(ours[taken].tolist(), theirs[taken].tolist()))
    known = [tau for tau in taus if not math.isnan(tau)]
    low, high = np.quantile(known, [0.025, 0.975]) if known else (math.nan, math.nan)
    return RankAgreement(
        specs=tuple(specs),
        shared=tuple(shared),
        alone=tuple(alone),
        tau=kendall_tau(shared, alone),
        low=float(low),
        high=float(high),
    )


def distinct_points(supernet: Supernet, count: int = NUM_NETS, *, seed: int = 0) -> tuple[Encoding, ...]:
    """Different nets of a supernet's space, drawn within its limit.

    Raises:
        UsageError: The space, or what the limit leaves of it, has not so many nets.
    """
    rng = generator(seed, "rank")
    found: dict[Encoding, None] = {}
    tries = _TRIES_A_NET * count
    for _ in range(tries):
        if len(found) == count:
            break
        found[supernet.sample(rng)] = None
    if len(found) < count:
        raise UsageError(f"{count} different nets were asked for, and {tries} draws gave {len(found)}; ask for fewer")
    return tuple(found)
