from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import build
from edgesmith.weights.sources.layers import fill
from edgesmith.weights.sources.tf_slim import read_tf_slim, slim_layers
from edgesmith.weights.state import load_state
from tests.nn.nets import calibrate, pictures
from tests.weights.sources.bundle_writer import write_bundle
from tests.weights.sources.slim_names import slim_variables

FIXTURES = Path(__file__).parents[1] / "fixtures"
OPTIONS = "padding=same,preset=timm_tf"
NETS = [
    f"mobilenet_v3_small@{OPTIONS}",
    f"mobilenet_v3_large_minimalistic@{OPTIONS}",
    f"mobilenet_v2@width=0.35,{OPTIONS}",
    f"mobilenet_v1@width=0.25,{OPTIONS},activation=relu6",
]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("size", [64, 65])
def test_case_m13_a_checkpoint_gives_the_net_back(tmp_path: Path, name: str, size: int) -> None:
    net = calibrate(build(find(name)))
    write_bundle(tmp_path / "model.ckpt-7", slim_variables(net) | {"global_step": np.array(7)})
    imported = read_tf_slim(tmp_path / "model.ckpt-7")
    assert imported.spec == find(name)
    assert imported.name == "model.ckpt-7"
    other = build(imported.spec, seed=5)
    assert load_state(other, imported.state).rule == "name"
    images = pictures(size, size)
    with torch.no_grad():
        assert_close(other.eval()(images), net(images), rtol=0, atol=0)


BLOCK = "MobilenetV3/expanded_conv_3/depthwise"
GAMMA, BETA, MEAN, VARIANCE, EPSILON = 2.0, 1.0, 0.5, 0.003, 0.001


def depthwise_block() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """One 5x5 depthwise block over 2 channels in TensorFlow's layout; tap (i, j) of channel c is 10(c+1)i + j."""
    i, j, c = np.mgrid[:5, :5, :2].astype(np.float32)
    norm = {"gamma": GAMMA, "beta": BETA, "moving_mean": MEAN, "moving_variance": VARIANCE}
    return {
        f"{BLOCK}/depthwise_weights": (10 * (c + 1) * i + j)[..., None],
        **{f"{BLOCK}/BatchNorm/{name}": np.full(2, value, np.float32) for name, value in norm.items()},
        "MobilenetV3/Logits/Conv2d_1c_1x1/weights": np.ones((1, 1, 2, 3), np.float32),
    }


# What the filter makes of a picture of ones, for channel c = 0 and 1: 10(c+1) times the sum of the rows' numbers inside
# times the number of columns inside, and the other way round. SAME pads (1, 2) at 224 and (2, 2) at 225.
@pytest.mark.parametrize(
    ("size", "first", "top_right", "middle", "last"),
    [(224, (440, 840), (312, 612), (550, 1050), (99, 189)), (225, (297, 567), (279, 549), (550, 1050), (99, 189))],
)
def test_case_m13_depthwise_kernel_epsilon_and_same_padding(
    size: int, first: tuple[int, int], top_right: tuple[int, int], middle: tuple[int, int], last: tuple[int, int]
) -> None:
    conv = Conv(out_channels=2, kernel_size=5, stride=2, groups=2, activation=Activation.NONE)
    spec = NetSpec(
        name="block",
        family="test",
        blocks=(conv,),
        head=Classifier(),
        resolution=(size, size),
        num_classes=3,
        padding=Padding.SAME,
        preset=Preset.TIMM_TF,
        in_channels=2,
    )
    net = build(spec)
    load_state(net, fill(spec, slim_layers(depthwise_block())))
    with torch.no_grad():
        found = net.eval().blocks[0](torch.ones(1, 2, size, size))[0][0]
    assert found.shape == (2, (size + 1) // 2, (size + 1) // 2)
    places = {(0, 0): first, (0, -1): top_right, (50, 50): middle, (-1, -1): last}
    for (row, column), sums in places.items():
        wanted = (torch.tensor(sums) - MEAN) / (VARIANCE + EPSILON) ** 0.5 * GAMMA + BETA
        assert_close(found[:, row, column], wanted, rtol=1e-5, atol=0)


def test_case_m13_moving_averages_are_preferred(tmp_path: Path) -> None:
    net = calibrate(build(find(NETS[3])))
    averages = slim_variables(net)
    training = {name: value + 1 for name, value in averages.items()}
    copies = {f"{name}/ExponentialMovingAverage": value for name, value in averages.items()}
    slots = {f"{name}/RMSProp": value for name, value in training.items()}
    write_bundle(tmp_path / "model", {**training, **copies, **slots}, keys_a_block=100)
    imported = read_tf_slim(tmp_path / "model.index")
    assert f"{len(averages)} of {len(averages)} variables are taken as their exponential" in imported.notes[0]
    own = net.state_dict()
    assert all(torch.equal(value, own[key]) for key, value in imported.state.items() if "tracked" not in key)


def test_the_background_class_is_dropped(tmp_path: Path) -> None:
    net = calibrate(build(find(f"{NETS[2]},classes=1001")))
    write_bundle(tmp_path / "model", slim_variables(net))
    imported = read_tf_slim(tmp_path / "model")
    assert imported.spec.num_classes == 1000
    assert "'background', is dropped" in imported.notes[0]
    for role in ("weight", "bias"):
        key = f"head.classifier.linear.{role}"
        assert torch.equal(imported.state[key], net.state_dict()[key][1:])


def test_pixels_become_minus_one_to_one(tmp_path: Path) -> None:
    write_bundle(tmp_path / "model", slim_variables(build(find(NETS[2]))))
    rule = read_tf_slim(tmp_path / "model").preprocessing
    assert (rule.height, rule.width, rule.resize_short) == (224, 224, 256)
    pixels = np.array([[[0, 127, 255]]], np.uint8)
    np.testing.assert_allclose(rule.normalize(pixels).ravel(), [-1, 127 / 127.5 - 1, 1], atol=1e-7)


def test_what_is_no_mobilenet_of_slims_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"these 1 kernels are of no net of the zoo"):
        read_tf_slim(FIXTURES / "tiny.ckpt")
    write_bundle(tmp_path / "other", {"resnet/conv1/weights": np.zeros((7, 7, 3, 64), np.float32)})
    with pytest.raises(WeightsError, match="no variables of slim's MobilenetV1, V2 or V3; its first is 'resnet/conv1"):
        read_tf_slim(tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MobilenetV3/mystery/weights", "no layer 'mystery'"),
        ("MobilenetV2/expanded_conv_2/squeeze/weights", "no layer 'expanded_conv_2/squeeze'"),
        ("MobilenetV1/Conv2d_3_pointwise/biases", "'Conv2d_3_pointwise' has no kernel, only biases"),
    ],
)
def test_layers_that_slim_does_not_have(name: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        slim_layers({name: np.zeros((1, 1, 2, 2), np.float32)})


def test_a_norm_without_its_variance_is_refused() -> None:
    variables = depthwise_block()
    del variables[f"{BLOCK}/BatchNorm/moving_variance"]
    with pytest.raises(
        WeightsError, match="norm of the file's layer 'expanded_conv_3/depthwise' has no moving_variance"
    ):
        slim_layers(variables)
