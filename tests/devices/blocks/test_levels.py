"""Levels of files from sessions that move as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from edgesmith.devices.blocks.levels import Readings, settle

TRUE_MS = {f"file{index}": 0.1 * 1.3**index for index in range(12)}


def make_sessions(
    rng: np.random.Generator, *, count: int = 24, files: int = 6, shift: float = 0.03, contended: float = 0.0
) -> list[Readings]:
    """Sessions of some files each; a contended one takes up to half as long again, each file in its own way."""
    sessions = []
    for _ in range(count):
        is_contended = bool(rng.random() < contended)
        moved = abs(rng.normal(0, shift)) + (0.4 if is_contended else 0.0)
        chosen = rng.choice(sorted(TRUE_MS), files, replace=False)
        noise = 0.1 if is_contended else 0.01
        values = {key: float(np.log(TRUE_MS[key]) + moved + rng.normal(0, noise)) for key in chosen}
        sessions.append(Readings(contended=is_contended, log_ms=values))
    return sessions


def errors(sessions: list[Readings]) -> list[float]:
    levels = settle(sessions)
    return [levels[key].ms / TRUE_MS[key] - 1 for key in levels]


@pytest.mark.parametrize("contended", [0.0, 0.5])
def test_levels_are_those_of_the_quiet_sessions(contended: float) -> None:
    spread = [errors(make_sessions(np.random.default_rng(seed), contended=contended)) for seed in range(10)]
    assert max(abs(each) for found in spread for each in found) < 0.06
    assert float(np.std([each - np.mean(found) for found in spread for each in found])) < 0.01


def test_a_shift_of_whole_sessions_is_taken_out_of_the_comparison() -> None:
    quiet = [Readings(contended=False, log_ms={"a": 0.0, "anchor": 0.0}) for _ in range(4)]
    slow = [Readings(contended=False, log_ms={"b": 0.04, "anchor": 0.04}) for _ in range(4)]
    levels = settle(quiet + slow)
    assert levels["a"].ms == pytest.approx(levels["b"].ms, rel=1e-9)
    assert levels["a"].ms == pytest.approx(np.exp(0.02), rel=1e-9)  # between the two kinds of sessions


def test_disturbed_sessions_count_only_for_files_without_a_better_one() -> None:
    known = dict.fromkeys(("anchor", "c", "d", "e"), 0.0)
    quiet = [Readings(contended=False, log_ms={**known, "a": 0.0}) for _ in range(6)]
    moved = dict.fromkeys(known, 0.2)
    loud = [Readings(contended=True, log_ms={**moved, "a": 0.5, "b": 0.2}) for _ in range(2)]
    levels = settle(quiet + loud)
    assert levels["a"].ms == pytest.approx(1.0, abs=0.01)
    assert levels["b"].ms == pytest.approx(1.0, abs=0.01)
    assert (levels["a"].quiet, levels["b"].quiet) == (6, 0)
    assert levels["b"].error > 3 * levels["a"].error


def test_a_session_slow_as_a_whole_counts_as_any_other() -> None:
    sessions = make_sessions(np.random.default_rng(0), files=12)
    slow = {key: float(np.log(ms) + 0.3) for key, ms in TRUE_MS.items()}
    found = settle([*sessions, Readings(contended=False, log_ms=slow)])
    assert {level.quiet for level in found.values()} == {len(sessions) + 1}
    assert max(abs(found[key].ms / settle(sessions)[key].ms - 1) for key in found) < 0.01


def test_slow_sessions_may_take_more_of_short_runs() -> None:
    rng = np.random.default_rng(0)
    levels = {key: float(np.log(ms)) for key, ms in TRUE_MS.items()}
    middle = float(np.mean(list(levels.values())))
    sessions = []
    for _ in range(24):
        shift = float(rng.exponential(0.1))
        chosen = [str(key) for key in rng.choice(sorted(levels), 8, replace=False)]
        shifted = {key: levels[key] + shift * (1 - 0.3 * (levels[key] - middle)) for key in chosen}
        noisy = {key: value + float(rng.normal(0, 0.005)) for key, value in shifted.items()}
        sessions.append(Readings(contended=False, log_ms=noisy))
    found = settle(sessions)
    moved = {key: float(np.log(found[key].ms)) - levels[key] for key in levels}
    usual = float(np.mean(list(moved.values())))
    assert 0 < usual < 0.1
    for key, by in moved.items():  # each level is that of one and the same session
        assert by == pytest.approx(usual * (1 - 0.3 * (levels[key] - middle)), abs=0.006)
    assert sum(level.quiet for level in found.values()) == 24 * 8


def test_a_session_that_slows_some_files_more_than_others_is_not_quiet() -> None:
    rng = np.random.default_rng(0)
    sessions = make_sessions(rng, files=12)
    uneven = {key: float(np.log(ms) + rng.uniform(0, 0.3)) for key, ms in TRUE_MS.items()}
    found = settle([*sessions, Readings(contended=False, log_ms=uneven)])
    assert {level.quiet for level in found.values()} == {len(sessions)}


def test_errors_are_what_levels_differ_by() -> None:
    found = [settle(make_sessions(np.random.default_rng(seed), count=40, shift=0.0)) for seed in range(40)]
    key = "file3"
    scatter = float(np.std([levels[key].ms for levels in found])) / TRUE_MS[key]
    claimed = float(np.median([levels[key].error for levels in found]))
    assert claimed == pytest.approx(scatter, rel=0.5)


def test_nothing_timed_is_nothing_known() -> None:
    assert settle([]) == {}
