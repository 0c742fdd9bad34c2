"""The gate's figures by hand, and everything that closes it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from edgesmith.devices.blocks.calibrate import Prediction
from edgesmith.devices.blocks.gate import HeldOut, is_in_range, judge, kendall_tau, root_mean_square


def held_out(index: int, *, factor: float = 1.0, quiet: bool = True) -> HeldOut:
    """A network of 1, 1.1, ... ms; multiply-adds rank every third one wrongly."""
    ms = 1 + 0.1 * index
    guess = Prediction(ms=ms * factor, low_ms=ms * factor / 1.03, high_ms=ms * factor * 1.03)
    madds = index if index % 3 else 0
    return HeldOut(name=str(index), ms=ms, predicted=guess, madds=madds, quiet=quiet)


GOOD = [held_out(index, factor=1.01 if index % 2 else 0.99) for index in range(20)]


@pytest.mark.parametrize(
    ("a", "b", "tau"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4], [1, 3, 2, 4], 4 / 6),
        ([1, 1, 2, 3], [1, 2, 3, 4], 5 / math.sqrt(5 * 6)),
    ],
)
def test_kendall_tau(a: list[float], b: list[float], tau: float) -> None:
    assert kendall_tau(a, b) == pytest.approx(tau)


def test_rank_correlation_of_equal_values_is_not_a_number() -> None:
    assert math.isnan(kendall_tau([1, 1], [1, 2]))


def test_root_mean_square() -> None:
    assert root_mean_square([0.03, -0.04]) == pytest.approx(math.sqrt(0.00125))


def test_a_good_table_passes_with_its_figures() -> None:
    gate = judge(GOOD)
    assert gate.passed
    assert gate.reasons() == ()
    assert (gate.num_nets, gate.within_5, gate.covered) == (20, 1.0, 1.0)
    assert gate.rmspe == pytest.approx(0.01)
    assert gate.bias == pytest.approx(0.0, abs=1e-9)
    assert gate.tau > 0.98 > gate.madds_tau


def test_one_disturbed_network_closes_the_gate() -> None:
    gate = judge([*GOOD[:-1], replace(GOOD[-1], quiet=False)])
    assert not gate.passed
    assert gate.reasons() == ("contended: other work disturbed the measurements",)


def test_disturbed_pieces_close_no_gate_that_the_figures_open() -> None:
    assert judge(GOOD, disturbed_pieces=0.8).passed
    bad = judge([held_out(index, factor=1.06) for index in range(20)], disturbed_pieces=0.8)
    assert bad.reasons() == ("contended: other work disturbed the measurements", "error 6.0% is above 5%")


def test_large_errors_close_it_though_the_ranks_are_right() -> None:
    gate = judge([held_out(index, factor=1.06) for index in range(20)])
    assert gate.reasons() == ("error 6.0% is above 5%",)
    assert gate.bias == pytest.approx(0.06)


def test_wrong_ranks_close_it_though_the_errors_are_small() -> None:
    """Networks so alike that 4 % in turns puts them in another order."""
    close = [
        replace(held_out(index, factor=1.04 if index % 2 else 0.96), ms=1 + 0.01 * index, madds=index % 5)
        for index in range(20)
    ]
    close = [
        replace(net, predicted=Prediction(ms=net.ms * (1.04 if index % 2 else 0.96), low_ms=0.5, high_ms=2))
        for index, net in enumerate(close)
    ]
    (reason,) = judge(close).reasons()
    assert reason.startswith("rank correlation 0.")


def test_a_table_that_multiply_adds_equal_is_of_no_use() -> None:
    gate = judge([replace(net, madds=index + 1) for index, net in enumerate(GOOD)])
    assert gate.reasons() == ("multiply-adds rank as well (1.000)",)


def test_too_few_networks_close_it() -> None:
    assert judge(GOOD[:19]).reasons() == ("19 held-out networks instead of 20",)


def test_ranks_that_cannot_be_told_close_it() -> None:
    same = [replace(net, predicted=Prediction(ms=1, low_ms=0, high_ms=9)) for net in GOOD]
    assert any("rank correlation nan" in reason for reason in judge(same).reasons())


@pytest.mark.parametrize(("ms", "counts"), [(0.49, False), (0.5, True), (2.0, True), (2.01, False)])
def test_only_networks_near_the_median_count(ms: float, counts: bool) -> None:
    assert is_in_range(ms, 1.0) is counts
