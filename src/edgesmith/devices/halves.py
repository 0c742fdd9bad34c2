"""A file against itself: the A/A test that every session carries at no cost.

The second half of a session times the same files as the first one, loaded anew. If they differ by more than their
spread allows, the machine changed its speed in between. Ratios of files stay right, because files take turns;
latencies then belong to a machine that was not the same throughout.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from edgesmith.core.bootstrap import Interval
from edgesmith.devices.base import Session
from edgesmith.devices.statistics import MARGIN, Basis, load_log_ms, student_quantile

_LEAST: Final = 2


def compare_halves(session: Session, basis: Basis) -> Interval | None:
    """Latency in the second half of the loads over that in the first, all files together, with its 99 % interval.

    None for fewer than four loads. An odd one in the middle is left out.
    """
    levels = load_log_ms(session, basis).mean(axis=1)
    size = len(levels) // 2
    if size < _LEAST:
        return None
    first, second = levels[:size], levels[len(levels) - size :]
    freedom = 2 * (size - 1)
    variance = (first.var() + second.var()) * size / freedom
    reach = student_quantile(0.995, freedom) * math.sqrt(2 * variance / size)
    middle = float(np.mean(second) - np.mean(first))
    return Interval(value=math.exp(middle), low=math.exp(middle - reach), high=math.exp(middle + reach))


def is_steady(ratio: Interval) -> bool:
    """Whether a 99 % interval leaves room for a change of no more than 1 %."""
    return ratio.low <= MARGIN and ratio.high >= 1 / MARGIN
