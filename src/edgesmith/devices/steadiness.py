"""Whether a file goes on as fast as it began: a change is looked for in a row of windows.

A processor that runs hot slows down at some moment and stays slow. So every moment is tried as the one of the change,
and the best is believed only if shuffled windows hardly ever show one as clear. Other work slows a file down as well.
Windows that it disturbed are left out. Where too few are left at either end, only a change is believed that is far
larger than what other work does to the low tenth of the time on the core (at most 10 % in what was measured).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.bootstrap import Interval
from edgesmith.devices.statistics import MARGIN, student_quantile

Floats = NDArray[np.float64]

SLOWS_DOWN: Final = "slows down"
STEADY: Final = "steady"
CANNOT_TELL: Final = "cannot tell"
LEAST_WINDOWS: Final = 6
_LEAST_A_SIDE: Final = 2
_STEADY_WITHIN: Final = 1.03
_BEYOND_OTHER_WORK: Final = 1.2
_SHUFFLES: Final = 2000
_CHANCE: Final = 0.01
_END_S: Final = 60.0
_LOWER_FREQUENCY: Final = 0.97


@dataclass(frozen=True, kw_only=True)
class Window:
    """Some seconds of a file that runs without a pause.

    Attributes:
        at_s: When they began.
        ms: Median of wall time a run.
        core_ms: Low tenth of the time on the core; of wall time where that is not known. Only this is judged.
        frequency_mhz: Frequency of the core at the end; None where it is not told.
        temperature_c: The warmest sensor at the end; None where it is not told.
        contended: Whether other work disturbed them.
    """

    at_s: float
    ms: float
    core_ms: float
    frequency_mhz: float | None
    temperature_c: float | None
    contended: bool


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """How the end compares with the start.

    Attributes:
        start_ms: Before the change; without one, in the first minute, or third if that is shorter.
        end_ms: After the change; without one, in the last minute or third.
        ratio: End over start.
        low: Lower end of its 99 % interval.
        high: Upper end.
        verdict: ``slows down``; ``steady``, where a slow-down of 3 % can be ruled out; or ``cannot tell``.
        slows_after_s: Begin of the first slow window; None without a change.
        throttled: Whether it slows down, or the frequency fell by more than 3 %.
        disturbed: Windows that other work disturbed.
    """

    start_ms: float
    end_ms: float
    ratio: float
    low: float
    high: float
    verdict: str
    slows_after_s: float | None
    throttled: bool
    disturbed: int


def judge(windows: Sequence[Window], *, on_core: bool, rng: np.random.Generator) -> Steadiness:
    """Compare the end with the start.

    Args:
        windows: At least four, in the order of time.
        on_core: Whether ``core_ms`` is time on the core; the wall grows without limit when others want the core.
        rng: Shuffles them.
    """
    undisturbed = [window for window in windows if not window.contended]
    enough = _reach_both_ends(undisturbed, windows)
    used = undisturbed if enough else list(windows)
    levels = np.log([window.core_ms for window in used])
    split = _find_change(levels, rng) if enough or on_core else None
    size = _end_size(used)
    first, last = (levels[:size], levels[-size:]) if split is None else (levels[:split], levels[split:])
    ratio = _ratio(first, last)
    slows = split is not None and ratio.low > (MARGIN if enough else _BEYOND_OTHER_WORK)
    verdict = STEADY if enough and ratio.high < _STEADY_WITHIN else CANNOT_TELL
    return Steadiness(
        start_ms=math.exp(float(first.mean())),
        end_ms=math.exp(float(last.mean())),
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        verdict=SLOWS_DOWN if slows else verdict,
        slows_after_s=used[split].at_s if slows and split is not None else None,
        throttled=slows or _frequency_fell(windows),
        disturbed=len(windows) - len(undisturbed),
    )


def _reach_both_ends(undisturbed: Sequence[Window], windows: Sequence[Window]) -> bool:
    """Whether enough of them were undisturbed, in the first and in the last third too."""
    third = len(windows) // 3
    ends = (windows[:third], windows[-third:] if third else [])
    return len(undisturbed) >= LEAST_WINDOWS and all(
        sum(not window.contended for window in end) >= _LEAST_A_SIDE for end in ends
    )


def _find_change(levels: Floats, rng: np.random.Generator) -> int | None:
    """Where the slower part begins; None if chance alone shows as clear a change in more than 1 % of the cases."""
    scores = _scores(levels[None])[0]
    shuffled = _scores(rng.permuted(np.tile(levels, (_SHUFFLES, 1)), axis=1)).max(axis=1)
    best = int(scores.argmax())
    chance = (1 + int((shuffled >= scores[best] - 1e-9).sum())) / (1 + _SHUFFLES)
    return best + _LEAST_A_SIDE if chance < _CHANCE else None


def _scores(rows: Floats) -> Floats:
    """``(rows, windows) -> (rows, splits)``: how far the later part lies above, in its standard errors."""
    count = rows.shape[1]
    splits = np.arange(_LEAST_A_SIDE, count - _LEAST_A_SIDE + 1)
    sums, squares = rows.cumsum(axis=1), (rows**2).cumsum(axis=1)
    before, after = sums[:, splits - 1] / splits, (sums[:, -1:] - sums[:, splits - 1]) / (count - splits)
    within = squares[:, -1:] - splits * before**2 - (count - splits) * after**2
    error = np.sqrt(np.maximum(within, 1e-12) / (count - 2) * (1 / splits + 1 / (count - splits)))
    return np.asarray((after - before) / error)


def _end_size(windows: Sequence[Window]) -> int:
    """Windows in a minute, but no more than a third of all; of a few, the half."""
    begun = windows[0].at_s
    in_a_minute = sum(window.at_s - begun < _END_S for window in windows)
    return max(_LEAST_A_SIDE, min(in_a_minute, len(windows) // 3))


def _ratio(first: Floats, last: Floats) -> Interval:
    """The later part over the earlier one, with its 99 % interval by Student's t."""
    middle, freedom = float(last.mean() - first.mean()), len(first) + len(last) - 2
    variance = (first.var() * len(first) + last.var() * len(last)) / freedom
    reach = student_quantile(0.995, freedom) * math.sqrt(variance * (1 / len(first) + 1 / len(last)))
    return Interval(value=math.exp(middle), low=math.exp(middle - reach), high=math.exp(middle + reach))


def _frequency_fell(windows: Sequence[Window]) -> bool:
    size = _end_size(windows)
    first = [window.frequency_mhz for window in windows[:size] if window.frequency_mhz is not None]
    last = [window.frequency_mhz for window in windows[-size:] if window.frequency_mhz is not None]
    return bool(first and last) and median(last) < _LOWER_FREQUENCY * median(first)
