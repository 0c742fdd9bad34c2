from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.names import Activation
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.devices.roofline.bound import is_bounded, roofline
from edgesmith.devices.roofline.machine import Bandwidth
from tests.devices.fakes import FINGERPRINT
from tests.devices.roofline.test_machine import MACHINE

TINY = NetSpec(
    name="tiny",
    family="tiny",
    blocks=(Conv(out_channels=8, kernel_size=3, stride=2, activation=Activation.RELU),),
    head=Classifier(),
    resolution=(16, 16),
    num_classes=10,
)
# 3x16x16 in, 8x8x8 out, 3x3 kernel; then 8 numbers in, 10 out.
CONV_MADDS, LINEAR_MADDS = 8 * 8 * 8 * 3 * 9, 80
CONV_WEIGHTS, LINEAR_WEIGHTS = 8 * 3 * 9 + 2 * 8, 80 + 10
CONV_MOVED, LINEAR_MOVED = 3 * 16 * 16 + 8 * 8 * 8, 18


def test_the_bound_is_the_longer_of_computing_and_moving_layer_by_layer() -> None:
    fast_product = replace(MACHINE, float32_gflops=1e6)
    moving_us = 4 * CONV_MOVED / 80 + 4 * CONV_WEIGHTS / 80 + 4 * LINEAR_MOVED / 80 + 4 * LINEAR_WEIGHTS / 80
    assert roofline(TINY, 1.0, fast_product, precision="float32").bound_ms == pytest.approx(moving_us * 1e-6)
    fast_memory = replace(MACHINE, bandwidths=(Bandwidth(bytes=1, gbs=1e9),))
    found = roofline(TINY, 1.0, fast_memory, precision="float32")
    assert found.bound_ms == pytest.approx(found.compute_ms)
    assert found.compute_ms == pytest.approx(2 * (CONV_MADDS + LINEAR_MADDS) / 100 * 1e-6)
    both = roofline(TINY, 1.0, MACHINE, precision="float32").bound_ms
    conv_us = max(2 * CONV_MADDS / 100, 4 * (CONV_MOVED + CONV_WEIGHTS) / 80)
    linear_us = max(2 * LINEAR_MADDS / 100, 4 * (LINEAR_MOVED + LINEAR_WEIGHTS) / 80)
    assert both == pytest.approx((conv_us + linear_us) * 1e-6)


def test_a_run_is_set_beside_the_limit() -> None:
    spec = find("mobilenet_v3_small")
    madds = count_total(spec).madds
    found = roofline(spec, 2.0, MACHINE, precision="float32")
    assert (found.madds, found.limit_gflops, found.memory_gbs) == (madds, 100.0, 10.0)
    assert found.gflops == pytest.approx(2 * madds / 2e-3 / 1e9)
    assert found.share == pytest.approx(found.compute_ms / 2.0) == pytest.approx(found.gflops / 100)
    assert found.bound_ms > found.compute_ms


def test_whole_numbers_have_their_own_limit_and_are_a_quarter_as_large() -> None:
    fast_product = replace(MACHINE, float32_gflops=1e6, int8_gflops=1e6, bandwidths=(Bandwidth(bytes=1, gbs=1.0),))
    floats, wholes = (roofline(TINY, 1.0, fast_product, precision=name) for name in ("float32", "int8"))
    assert floats.bound_ms == pytest.approx(4 * wholes.bound_ms)
    assert roofline(TINY, 1.0, MACHINE, precision="int8").limit_gflops == 400.0


@pytest.mark.parametrize(
    ("threads", "options", "holds"),
    [
        (1, (), True),
        (1, ("arithmetic=f32",), True),
        (1, ("bf16=off", "spinning=on"), True),
        (2, (), False),
        (1, ("arithmetic=bf16",), False),
        (1, ("bf16=on",), False),
    ],
)
def test_limits_hold_for_one_thread_and_full_arithmetic(threads: int, options: tuple[str, ...], holds: bool) -> None:
    assert is_bounded(replace(FINGERPRINT, threads=threads, options=options)) is holds
