"""Fixed time, slope and weights of whole networks, and intervals that hold what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.devices.blocks.calibrate import Sum, calibrate

FIXED_MS, SLOPE, PER_MILLION, PER_BLOCK_MILLION, PER_HEAD_MILLION = 0.05, 1.1, 0.03, 0.12, 0.04
FITS_MILLIONS = 2.0
MIDDLE = Sum(ms=2, block_millions=3, head_millions=1)


def make_nets(rng: np.random.Generator, count: int, noise: float) -> tuple[list[Sum], list[float]]:
    draws = rng.uniform((0.5, 0.2, 0.0), (4, 4, 1.5), (count, 3)).tolist()
    sums = [Sum(ms=ms, block_millions=blocks, head_millions=head) for ms, blocks, head in draws]
    rates = np.array([FIXED_MS, SLOPE, PER_MILLION, PER_BLOCK_MILLION, PER_HEAD_MILLION])
    true_ms = [float(rates @ np.array(each.terms(FITS_MILLIONS))) for each in sums]
    return sums, [ms * float(np.exp(rng.normal(0, noise))) for ms in true_ms]


def test_the_terms_are_found() -> None:
    fit = calibrate(*make_nets(np.random.default_rng(0), 40, 0.002))
    assert fit.fits_millions == FITS_MILLIONS
    assert fit.fixed_ms == pytest.approx(FIXED_MS, abs=0.01)
    assert fit.slope == pytest.approx(SLOPE, rel=0.01)
    assert fit.ms_per_million == pytest.approx(PER_MILLION, rel=0.5)
    assert fit.ms_per_block_million == pytest.approx(PER_BLOCK_MILLION, rel=0.2)
    assert fit.ms_per_head_million == pytest.approx(PER_HEAD_MILLION, rel=0.5)


def test_weights_spill_where_they_do_not_fit() -> None:
    small, large = replace(MIDDLE, block_millions=1, head_millions=0.5), MIDDLE
    assert small.terms(2.0) == (1.0, 2, 1.5, 0.0, 0.0)
    assert large.terms(2.0) == (1.0, 2, 4, 1.5, 0.5)  # half of four millions
    assert large.terms(0.0) == (1.0, 2, 4, 3.0, 1.0)


def test_one_outlier_moves_little() -> None:
    sums, latencies = make_nets(np.random.default_rng(1), 30, 0.005)
    clean = calibrate(sums, latencies).predict(MIDDLE).ms
    latencies[7] *= 1.5
    assert calibrate(sums, latencies).predict(MIDDLE).ms == pytest.approx(clean, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.05, 0.01])
def test_intervals_cover_what_they_promise(noise: float) -> None:
    """95 % of new networks, over many tables; a little more, because 30 errors have no finer quantile."""
    hits = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        fit = calibrate(*make_nets(rng, 30, noise))
        for total, ms in zip(*make_nets(rng, 30, noise), strict=True):
            predicted = fit.predict(total)
            hits.append(predicted.low_ms <= ms <= predicted.high_ms)
    assert 0.94 <= float(np.mean(hits)) <= 0.99


def test_networks_far_from_the_fitted_ones_have_wider_intervals() -> None:
    fit = calibrate(*make_nets(np.random.default_rng(2), 30, 0.02))
    near, far = fit.predict(MIDDLE), fit.predict(replace(MIDDLE, block_millions=60))
    assert far.high_ms / far.ms > 1.5 * (near.high_ms / near.ms - 1) + 1


def test_sums_that_are_right_already_are_left_alone() -> None:
    sums = [Sum(ms=1.0 + 0.1 * index, block_millions=2.0, head_millions=1.0) for index in range(24)]
    fit = calibrate(sums, [each.ms for each in sums])
    assert fit.predict(Sum(ms=2.05, block_millions=2.0, head_millions=1.0)).ms == pytest.approx(2.05, rel=1e-3)


def test_too_few_networks_are_refused() -> None:
    with pytest.raises(DeviceError, match="at least 20 networks, got 19"):
        calibrate(*make_nets(np.random.default_rng(0), 19, 0.01))
