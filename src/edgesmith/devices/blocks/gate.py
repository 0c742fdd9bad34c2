"""Whether a table may be used: how well it predicts networks that were drawn and timed after it was fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from edgesmith.devices.blocks.calibrate import Prediction

NUM_NETS: Final = 20
LOWEST: Final = 0.5
HIGHEST: Final = 2.0
LEAST_TAU: Final = 0.95
MOST_RMSPE: Final = 0.05
_MANY: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """A network that the table was not fitted to.

    Attributes:
        name: What people call it.
        ms: What it measured.
        predicted: What the table said.
        madds: Its multiply-adds.
        quiet: Whether it was timed while nothing disturbed it.
    """

    name: str
    ms: float
    predicted: Prediction
    madds: int
    quiet: bool


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The outcome.

    Attributes:
        num_nets: Held-out networks.
        tau: Kendall's rank correlation between prediction and measurement.
        rmspe: Root mean square error of the prediction, relative to the measurement.
        bias: Mean of the relative error.
        within_5: Share of networks that are predicted to 5 % or better.
        within_10: Share that are predicted to 10 % or better.
        covered: Share whose measurement lies in the prediction's 95 % interval.
        madds_tau: Rank correlation between multiply-adds and measurement.
        contended: Whether other work disturbed the timing of a held-out network every time; or of many pieces, where
            the figures are too bad to pass.
    """

    num_nets: int
    tau: float
    rmspe: float
    bias: float
    within_5: float
    within_10: float
    covered: float
    madds_tau: float
    contended: bool

    @property
    def passed(self) -> bool:
        """Whether the table may be used."""
        return not self.reasons()

    def reasons(self) -> tuple[str, ...]:
        """Why not, each in a few words; empty where it may."""
        found = []
        if self.contended:
            found.append("contended: other work disturbed the measurements")
        if self.num_nets < NUM_NETS:
            found.append(f"{self.num_nets} held-out networks instead of {NUM_NETS}")
        if not self.tau >= LEAST_TAU:
            found.append(f"rank correlation {self.tau:.3f} is below {LEAST_TAU}")
        if not self.rmspe <= MOST_RMSPE:
            found.append(f"error {self.rmspe:.1%} is above {MOST_RMSPE:.0%}")
        if not self.tau > self.madds_tau:
            found.append(f"multiply-adds rank as well ({self.madds_tau:.3f})")
        return tuple(found)


def is_in_range(ms: float, median_ms: float) -> bool:
    """Whether a network counts for the gate: half to twice the median of the fitted ones."""
    return LOWEST * median_ms <= ms <= HIGHEST * median_ms


def judge(nets: Sequence[HeldOut], *, disturbed_pieces: float = 0.0) -> Gate:
    """Score held-out networks, all of which are in range.

    The networks are the truth, so all of them must have been timed in peace. What disturbed the pieces shows in the
    figures; it closes no gate that they open.

    Args:
        nets: At least two.
        disturbed_pieces: Share of the table's pieces that were never timed in peace.
    """
    measured = [net.ms for net in nets]
    predicted = [net.predicted.ms for net in nets]
    errors = [guess / truth - 1 for guess, truth in zip(predicted, measured, strict=True)]
    gate = Gate(
        num_nets=len(nets),
        tau=kendall_tau(predicted, measured),
        rmspe=root_mean_square(errors),
        bias=sum(errors) / len(errors),
        within_5=_share(errors, 0.05),
        within_10=_share(errors, 0.10),
        covered=sum(net.predicted.low_ms <= net.ms <= net.predicted.high_ms for net in nets) / len(nets),
        madds_tau=kendall_tau([net.madds for net in nets], measured),
        contended=not all(net.quiet for net in nets),
    )
    return replace(gate, contended=True) if not gate.passed and disturbed_pieces > _MANY else gate


def kendall_tau(a: Sequence[float], b: Sequence[float]) -> float:
    """Kendall's tau-b: pairs in the same order less pairs in opposite order; ties count for neither.

    Not a number where all values of a side are equal.
    """
    agree = tied_a = tied_b = pairs = 0
    for i in range(len(a)):
        for j in range(i):
            x, y = (a[i] > a[j]) - (a[i] < a[j]), (b[i] > b[j]) - (b[i] < b[j])
            agree += x * y
            tied_a += x == 0
            tied_b += y == 0
            pairs += 1
    scale = math.sqrt((pairs - tied_a) * (pairs - tied_b))
    return agree / scale if scale else math.nan


def root_mean_square(errors: Sequence[float]) -> float:
    """Of relative errors: RMSPE."""
    return math.sqrt(sum(error * error for error in errors) / len(errors))


def _share(errors: Sequence[float], limit: float) -> float:
    return sum(abs(error) <= limit for error in errors) / len(errors)
