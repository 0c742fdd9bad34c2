"""What only a Ray cluster does: resources."""

from __future__ import annotations

import itertools
import time

import pytest

from edgesmith.core.errors import RunError
from edgesmith.search.executors.ray import Ray

pytestmark = pytest.mark.slow


def interval(seconds: float) -> tuple[float, float]:
    begun = time.time()
    time.sleep(seconds)
    return begun, time.time()


def test_a_device_serves_one_job_at_a_time() -> None:
    executor = Ray(num_cpus=0.5, devices=["Pixel 7"])
    try:
        assert executor.slots == 1
        times = sorted(done.answer for done in executor.run(interval, [0.2] * 4) if done.answer is not None)
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times))
        with pytest.raises(RunError, match=r"no job can run on this Ray cluster: .*device-toaster"):
            Ray(devices=["toaster"])
    finally:
        executor.close()
