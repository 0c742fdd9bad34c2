from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edgesmith.core.seed import generator
from edgesmith.devices.steadiness import CANNOT_TELL, SLOWS_DOWN, STEADY, Steadiness, Window, judge

NUM = 30
CONTENDED_BY = 1.08


def row(
    seed: int,
    *,
    slow_from: int = NUM,
    factor: float = 1.0,
    noise: float = 0.005,
    contended: Sequence[int] = (),
    mhz: Sequence[float | None] = (None,) * NUM,
) -> list[Window]:
    """Ten-second windows of 2 ms; contended ones are some per cent longer, as the low tenth on the core is."""
    drawn = generator(seed, "windows").normal(0, noise, NUM)
    windows = []
    for index in range(NUM):
        ms = 2.0 * (factor if index >= slow_from else 1.0) * (CONTENDED_BY if index in contended else 1.0)
        level = float(ms * np.exp(drawn[index]))
        windows.append(
            Window(
                at_s=10.0 * index,
                ms=level * (3.0 if index in contended else 1.0),
                core_ms=level,
                frequency_mhz=mhz[index],
                temperature_c=None,
                contended=index in contended,
            )
        )
    return windows


def judged(windows: Sequence[Window], *, on_core: bool = True) -> Steadiness:
    return judge(windows, on_core=on_core, rng=generator(0, "test"))


def test_an_even_row_is_steady() -> None:
    verdicts = [judged(row(seed)).verdict for seed in range(200)]
    assert verdicts.count(SLOWS_DOWN) <= 3
    assert verdicts.count(STEADY) >= 195


def test_noise_without_end_is_not_called_a_slow_down_nor_steady() -> None:
    verdicts = [judged(row(seed, noise=0.1)).verdict for seed in range(100)]
    assert verdicts.count(SLOWS_DOWN) <= 2
    assert verdicts.count(CANNOT_TELL) >= 90


@pytest.mark.parametrize("slow_from", [2, 3, 9, 20, 28])
@pytest.mark.parametrize("factor", [1.05, 1.5])
def test_a_change_is_found_wherever_it_is(slow_from: int, factor: float) -> None:
    found = [judged(row(seed, slow_from=slow_from, factor=factor)) for seed in range(20)]
    assert [each.verdict for each in found].count(SLOWS_DOWN) >= 19
    assert np.median([each.slows_after_s or -1.0 for each in found]) == 10.0 * slow_from
    assert np.median([each.ratio for each in found]) == pytest.approx(factor, rel=0.01)
    first = next(each for each in found if each.verdict == SLOWS_DOWN)
    assert first.low < first.ratio < first.high
    assert first.end_ms / first.start_ms == pytest.approx(first.ratio)
    assert first.throttled


def test_getting_faster_is_no_slow_down() -> None:
    found = judged(row(0, slow_from=10, factor=0.9))
    assert (found.verdict, found.slows_after_s, found.throttled) == (STEADY, None, False)


def test_a_change_below_one_per_cent_does_not_count() -> None:
    found = judged(row(0, slow_from=15, factor=1.006, noise=0.0005))
    assert (found.verdict, found.slows_after_s) == (STEADY, None)
    assert found.ratio == pytest.approx(1.006, rel=1e-3)


@pytest.mark.parametrize(
    "contended",
    [range(15, NUM), range(27, NUM), range(3, 27), range(NUM), [0, 1, 5, 6, 7, 20, 21, 29]],
    ids=["second half", "end", "middle", "all", "now and then"],
)
def test_other_work_is_not_called_a_slow_down(contended: Sequence[int]) -> None:
    verdicts = {judged(row(seed, contended=contended)).verdict for seed in range(50)}
    assert SLOWS_DOWN not in verdicts


def test_nothing_is_said_where_other_work_takes_one_end() -> None:
    found = judged(row(0, contended=range(15, NUM)))
    assert (found.verdict, found.throttled, found.disturbed) == (CANNOT_TELL, False, 15)
    assert found.ratio == pytest.approx(CONTENDED_BY, rel=0.01)


def test_a_slow_down_is_found_between_windows_that_other_work_takes() -> None:
    found = judged(row(0, slow_from=12, factor=1.1, contended=[1, 5, 11, 12, 20, 29]))
    assert (found.verdict, found.slows_after_s, found.disturbed) == (SLOWS_DOWN, 130.0, 6)


def test_a_change_far_beyond_what_other_work_does_is_found_among_its_windows() -> None:
    large = row(0, slow_from=12, factor=1.4, contended=range(NUM))
    found = judged(large)
    assert (found.verdict, found.slows_after_s, found.throttled) == (SLOWS_DOWN, 120.0, True)
    assert judged(large, on_core=False).verdict == CANNOT_TELL
    assert judged(row(0, slow_from=12, factor=1.15, contended=range(NUM))).verdict == CANNOT_TELL


def test_a_frequency_that_falls_is_throttling_whatever_else_goes_on() -> None:
    falling = [3000.0] * 10 + [2400.0] * 20
    found = judged(row(0, contended=range(NUM), mhz=falling))
    assert (found.verdict, found.throttled) == (CANNOT_TELL, True)
    assert judged(row(0, mhz=falling)).throttled
    assert not judged(row(0, mhz=[3000.0, 2980.0] * 15)).throttled


def test_a_few_windows_tell_nothing() -> None:
    found = judged(row(0, slow_from=2, factor=1.5)[:4])
    assert (found.verdict, found.slows_after_s) == (CANNOT_TELL, None)
    assert found.low < found.ratio < found.high
