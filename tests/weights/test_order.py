from __future__ import annotations

import random

import pytest
import torchvision

from edgesmith.weights.order import forward_order


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v2", "mnasnet1_0"])
def test_torchvisions_numbered_order_comes_back_from_any(name: str) -> None:
    keys = [key for key in torchvision.models.get_model(name).state_dict() if "num_batches" not in key]
    shuffled = keys.copy()
    random.Random(0).shuffle(shuffled)
    assert forward_order(shuffled) == keys
