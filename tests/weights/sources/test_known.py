from __future__ import annotations

import pytest
import timm
import torchvision

from edgesmith.arch.cost import count_total
from edgesmith.arch.zoo.names import find
from edgesmith.weights.sources.known import KNOWN, library_name, sources_of
from edgesmith.weights.sources.timm import read_timm


@pytest.mark.parametrize("name", KNOWN["timm"])
def test_timms_names_are_nets_of_the_same_size_with_weights(name: str) -> None:
    assert count_total(read_timm(name, pretrained=False).spec).parameters == _parameters(KNOWN["timm"][name])
    assert timm.is_model_pretrained(name)


def _parameters(zoo_name: str) -> int:
    """Narrow V3 nets of timm keep a stem of 16 under its own rule."""
    is_narrow = "v3_small" in zoo_name and "width=0.5" in zoo_name
    return count_total(find(f"{zoo_name},rule=timm" if is_narrow else zoo_name)).parameters


@pytest.mark.parametrize("name", KNOWN["torchvision"])
def test_torchvisions_names_have_weights(name: str) -> None:
    assert len(torchvision.models.get_model_weights(name)) > 0


def test_a_zoo_name_finds_its_weights() -> None:
    assert sources_of("mobilenet_v2") == ("torchvision:mobilenet_v2", "timm:mobilenetv2_100")
    assert sources_of("mobilenet_v2@width=0.5,resolution=96") == ("timm:mobilenetv2_050",)
    assert sources_of("shufflenet_v1") == ()


def test_a_width_without_weights_takes_those_of_width_1() -> None:
    assert library_name("timm", "mobilenet_v3_small@width=0.75") == "mobilenetv3_small_075"
    assert library_name("timm", "mobilenet_v3_small@width=0.35") == "mobilenetv3_small_100"
    assert library_name("torchvision", "shufflenet_v1") is None
