from __future__ import annotations

import time

import pytest

from edgesmith.arch.zoo.identify import identify, kernels_of
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.errors import WeightsError


@pytest.mark.parametrize("name", MODELS)
def test_every_name_is_found_by_its_kernels(name: str) -> None:
    assert kernels_of(identify(kernels_of(name))) == kernels_of(name)


def test_plain_names_are_preferred_and_options_are_found() -> None:
    assert identify(kernels_of("mobilenet_v2")) == "mobilenet_v2"
    assert identify(kernels_of("mobilenet_v2@width=0.35")) == "mobilenet_v2@width=0.35"
    torchvision = "mobilenet_v3_small@width=0.5,rule=torchvision"
    assert kernels_of(identify(kernels_of(torchvision))) == kernels_of(torchvision)


def test_the_number_of_classes_does_not_matter() -> None:
    kernels = list(kernels_of("mobilenet_v3_small"))
    kernels[-1] = (1001, kernels[-1][1], 1, 1)
    assert identify(kernels) == "mobilenet_v3_small"


def test_a_stranger_is_refused_with_the_nearest() -> None:
    kernels = list(kernels_of("mobilenet_v3_small"))
    kernels[5] = (7, 7)
    with pytest.raises(WeightsError, match=r"no net of the zoo; mobilenet_v3_small.* differs from kernel 5 on"):
        identify(kernels)


def test_it_takes_less_than_three_seconds_at_first() -> None:
    kernels_of.cache_clear()
    begin = time.process_time()
    identify(kernels_of("shiftnet_b"))
    assert time.process_time() - begin < 3
