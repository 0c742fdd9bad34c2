"""Integer files are compared by steps: runtimes round otherwise, by a step in a layer, and both are right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import ExportError
from edgesmith.deploy.parity import Parity, compare

# Of the 255 steps of an answer; steps of single layers add up, to 8 at the end of an untrained V3-Small of 64 pixels.
STEP_TOLERANCE: Final = 10.0
LEAST_AGREEMENT: Final = 0.9
_MOST_STEPS: Final = 255
_LARGEST_GAP: Final = 8  # neighbours among the answers may be as many steps apart
_OFF_GRID: Final = 0.02


def find_step(answers: NDArray[Any]) -> float | None:
    """The step of which all answers are multiples; None where there is none, as after a last layer in float.

    Args:
        answers: Of an int8 file in plain numbers. Few of them may lie on a coarser grid than the file's.
    """
    values = np.unique(answers.astype(np.float64))
    gaps = np.diff(values)
    gaps = gaps[gaps > 1e-5 * np.abs(values).max()]  # what float32 adds when steps become numbers
    if not len(gaps):
        return None
    for parts in range(1, _LARGEST_GAP + 1):
        step = float(gaps.min()) / parts
        places = values / step
        if np.ptp(places) <= _MOST_STEPS + 1 and np.abs(places - np.round(places)).max() < _OFF_GRID:
            return float(np.ptp(values) / round(np.ptp(places)))
    return None


def with_steps(parity: Parity, expected: NDArray[Any], actual: NDArray[Any]) -> Parity:
    """A comparison that also tells its largest difference in the steps of ``actual``, where that has steps."""
    step = find_step(actual)
    if step is None:
        return parity
    return replace(parity, step=step, steps=float(np.abs(actual.astype(np.float64) - expected).max()) / step)


def compare_steps(
    expected: NDArray[Any],
    actual: NDArray[Any],
    *,
    tolerance: float = STEP_TOLERANCE,
    least_agreement: float = LEAST_AGREEMENT,
) -> Parity:
    """Compare the answers ``(N, classes)`` of one int8 file in two runtimes, or under two kernels.

    Args:
        expected: The one's; only the other's need have steps.
        actual: The other's.
        tolerance: Bound on the largest difference in steps, inclusive.
        least_agreement: Share of pictures that must get the same best class, 0..1.

    Raises:
        ExportError: The shapes differ, values are not finite or all zero, or the answers have no steps.
    """
    parity = with_steps(compare(expected, actual), expected, actual)
    if parity.steps is None:
        raise ExportError("these answers have no steps, the last layer is in float; compare them by relative size")
    passed = parity.steps <= tolerance and parity.top1_agreement >= least_agreement
    return replace(parity, judged_by="steps", tolerance=tolerance, passed=passed)
