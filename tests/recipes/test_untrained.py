"""Networks measured where latency counts."""

from __future__ import annotations

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.devices.across import Target
from edgesmith.devices.plan import Plan
from edgesmith.recipes.untrained import measure_specs

QUICKEST = Plan(limit_s=0.5, min_loads=3, enough_loads=3)


@pytest.mark.slow
def test_several_devices_give_one_latency_for_each_network() -> None:
    specs = [find(f"mobilenet_v3_small@width=0.35,resolution={side}").with_num_classes(2) for side in (32, 96)]
    target = Target(device="onnxruntime,onnxruntime:threads=2")
    small, large = measure_specs(specs, target, plan=QUICKEST)
    assert [small.name, large.name] == [spec.name for spec in specs]
    assert {small.device, large.device} <= set(target.device.split(","))
    assert small.ms < large.ms
