"""The same answers as torchvision and timm under their weights, at every width that they have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from edgesmith.arch.edits.tail import DilationRule, HalvingRule, halve_tail, with_output_stride
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.nn.build import Net, build
from edgesmith.weights.state import load_state
from tests.nn.nets import calibrate, pictures, relative_difference

TORCHVISION: dict[str, Callable[..., nn.Module]] = {
    "mobilenet_v3_large": torchvision.models.mobilenet_v3_large,
    "mobilenet_v3_small": torchvision.models.mobilenet_v3_small,
}
WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.25)
SIZES = (224, 225, 160)

# The other families of torchvision, at every width that it has.
FAMILIES: dict[str, Callable[[], nn.Module]] = {
    "squeezenet_1_0": partial(torchvision.models.squeezenet1_0, weights=None),
    "squeezenet_1_1": partial(torchvision.models.squeezenet1_1, weights=None),
    **{
        f"mobilenet_v2@width={width}": partial(torchvision.models.mobilenet_v2, weights=None, width_mult=width)
        for width in (0.35, 0.5, 0.75, 1.0, 1.4)
    },
    "mnasnet_b1@width=0.5": partial(torchvision.models.mnasnet0_5, weights=None),
    "mnasnet_b1@width=0.75": partial(torchvision.models.mnasnet0_75, weights=None),
    "mnasnet_b1": partial(torchvision.models.mnasnet1_0, weights=None),
    "mnasnet_b1@width=1.3": partial(torchvision.models.mnasnet1_3, weights=None),
}

# timm's other nets of these families are read off the model itself: see weights.sources.timm.
TIMM = {
    "mobilenetv1_100": "mobilenet_v1@activation=relu6",
    "mobilenetv1_125": "mobilenet_v1@width=1.25,activation=relu6",
    "mobilenetv2_035": "mobilenet_v2@width=0.35",
    "mobilenetv2_050": "mobilenet_v2@width=0.5",
    "mobilenetv2_075": "mobilenet_v2@width=0.75",
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv2_140": "mobilenet_v2@width=1.4",
    "mobilenetv3_large_100": "mobilenet_v3_large@rule=timm,preset=timm",
    "mobilenetv3_large_075": "mobilenet_v3_large@width=0.75,rule=timm,preset=timm",
    "mobilenetv3_small_100": "mobilenet_v3_small@rule=timm,preset=timm",
    "mobilenetv3_small_075": "mobilenet_v3_small@width=0.75,rule=timm,preset=timm",
    "mobilenetv3_small_050": "mobilenet_v3_small@width=0.5,rule=timm,preset=timm",
    "tf_mobilenetv3_large_100": "mobilenet_v3_large@padding=same,preset=timm_tf",
    "tf_mobilenetv3_large_075": "mobilenet_v3_large@width=0.75,padding=same,preset=timm_tf",
    "tf_mobilenetv3_large_minimal_100": "mobilenet_v3_large_minimalistic@padding=same,preset=timm_tf",
    "tf_mobilenetv3_small_100": "mobilenet_v3_small@padding=same,preset=timm_tf",
    "tf_mobilenetv3_small_075": "mobilenet_v3_small@width=0.75,padding=same,preset=timm_tf",
    "tf_mobilenetv3_small_minimal_100": "mobilenet_v3_small_minimalistic@padding=same,preset=timm_tf",
    "mobilenetv4_conv_small_035": "mobilenet_v4_conv_small@width=0.35",
    "mobilenetv4_conv_small_050": "mobilenet_v4_conv_small@width=0.5",
    "mobilenetv4_conv_small": "mobilenet_v4_conv_small",
    "mobilenetv4_conv_medium": "mobilenet_v4_conv_medium",
    "mobilenetv4_conv_large": "mobilenet_v4_conv_large",
    "mnasnet_050": "mnasnet_b1@width=0.5",
    "mnasnet_075": "mnasnet_b1@width=0.75",
    "mnasnet_100": "mnasnet_b1",
    "mnasnet_140": "mnasnet_b1@width=1.4",
    "mnasnet_small": "mnasnet_small",
    "semnasnet_050": "mnasnet_a1@width=0.5",
    "semnasnet_075": "mnasnet_a1@width=0.75",
    "semnasnet_100": "mnasnet_a1",
    "semnasnet_140": "mnasnet_a1@width=1.4",
}


def filled(spec: NetSpec, oracle: nn.Module) -> Net:
    """Our net with the oracle's weights, moved by position and shape."""
    net = build(spec).eval()
    assert load_state(net, oracle.state_dict()).rule == "position"
    return net


@torch.inference_mode()
def answers(net: nn.Module, height: int, width: int) -> Tensor:
    made = net(pictures(height, width))
    assert isinstance(made, Tensor)
    return made


def assert_same(net: nn.Module, oracle: nn.Module, *sizes: tuple[int, int]) -> None:
    for height, width in sizes:
        expected = answers(oracle, height, width)
        assert expected.std() > 0.1, "the oracle's norms are not calibrated"
        assert relative_difference(answers(net, height, width), expected) < 1e-5, (height, width)


@pytest.mark.parametrize("name", TORCHVISION)
def test_case_m6_logits_are_torchvisions(name: str) -> None:
    oracle = calibrate(TORCHVISION[name](weights=None))
    assert_same(filled(find(name), oracle), oracle, (224, 224), (161, 96))


@pytest.mark.parametrize("name", TORCHVISION)
@pytest.mark.parametrize("width", [0.35, 0.75, 1.25])
def test_torchvision_widths(name: str, width: float) -> None:
    oracle = calibrate(TORCHVISION[name](weights=None, width_mult=width))
    assert_same(filled(find(f"{name}@width={width},rule=torchvision"), oracle), oracle, (160, 160))


@pytest.mark.parametrize("name", TIMM)
def test_timm(name: str) -> None:
    oracle = calibrate(timm.create_model(name))
    assert_same(filled(find(TIMM[name]), oracle), oracle, (224, 224) if "tf_" in name else (96, 97))


@pytest.mark.parametrize("name", FAMILIES)
def test_torchvisions_other_families(name: str) -> None:
    oracle = calibrate(FAMILIES[name]())
    assert_same(filled(find(name), oracle), oracle, (96, 97))


TORCHVISION_NAMES = {
    "mobilenet_v3_large": "mobilenet_v3_large",
    "mobilenet_v3_small": "mobilenet_v3_small",
    "mobilenet_v2": "mobilenet_v2",
    "mnasnet_b1": "mnasnet1_0",
    "squeezenet_1_0": "squeezenet1_0",
    "squeezenet_1_1": "squeezenet1_1",
}


@pytest.mark.parametrize("name", TORCHVISION_NAMES)
def test_weights_go_back_as_they_came(name: str) -> None:
    """Ours under torchvision's names give its net our answers."""
    oracle = torchvision.models.get_model(TORCHVISION_NAMES[name], weights=None).eval()
    net = calibrate(build(find(name)))
    mine, theirs = net.state_dict(), oracle.state_dict()
    for own, key in load_state(build(find(name)), theirs).sources.items():
        theirs[key].copy_(mine[own].reshape(theirs[key].shape))
    assert_same(net, oracle, (96, 97))


@pytest.mark.parametrize("name", TORCHVISION)
def test_dilated_and_halved_tails_are_torchvisions(name: str) -> None:
    oracle = calibrate(TORCHVISION[name](weights=None, dilated=True, reduced_tail=True))
    spec = with_output_stride(halve_tail(find(name), rule=HalvingRule.TORCHVISION), 16, rule=DilationRule.TORCHVISION)
    assert_same(filled(spec, oracle), oracle, (160, 160))


def test_both_paddings_agree_only_at_sizes_that_stay_odd() -> None:
    symmetric = calibrate(build(find("mobilenet_v3_small")))
    same = build(find("mobilenet_v3_small@padding=same")).eval()
    load_state(same, symmetric.state_dict())
    assert relative_difference(answers(same, 225, 225), answers(symmetric, 225, 225)) < 1e-6
    assert relative_difference(answers(same, 224, 224), answers(symmetric, 224, 224)) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_at_every_width_and_size(name: str, width: float) -> None:
    oracle = calibrate(TORCHVISION[name](weights=None, width_mult=width), size=96)
    net = filled(find(f"{name}@width={width},rule=torchvision"), oracle)
    assert_same(net, oracle, *((size, size) for size in SIZES))


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM)
def test_timm_at_every_size(name: str) -> None:
    oracle = calibrate(timm.create_model(name), size=96)
    assert_same(filled(find(TIMM[name]), oracle), oracle, *((size, size) for size in SIZES))


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_torchvisions_other_families_at_every_size(name: str) -> None:
    oracle = calibrate(FAMILIES[name](), size=96)
    assert_same(filled(find(name), oracle), oracle, *((size, size) for size in SIZES))
