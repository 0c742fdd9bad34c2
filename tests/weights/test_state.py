from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import Net, build
from edgesmith.weights.files import read_weights
from edgesmith.weights.state import load_state
from tests.nn.nets import calibrate, pictures, relative_difference

SMALL = "mobilenet_v3_small@width=0.35,rule=torchvision"


@pytest.fixture(scope="module")
def oracle() -> torch.nn.Module:
    net: torch.nn.Module = torchvision.models.mobilenet_v3_small(weights=None, width_mult=0.35)
    return calibrate(net)


def small(options: str = "", *, seed: int = 0) -> Net:
    return build(find(SMALL + options), seed=seed).eval()


@torch.inference_mode()
def assert_answers_agree(net: torch.nn.Module, oracle: torch.nn.Module) -> None:
    assert relative_difference(net(pictures(64, 64)), oracle(pictures(64, 64))) < 1e-5


def assert_unchanged(net: Net, before: dict[str, Tensor]) -> None:
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def copied(net: Net) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in net.state_dict().items()}


def test_own_keys_are_matched_by_name_in_any_order() -> None:
    source, net = small(seed=1), small()
    state = dict(reversed(source.state_dict().items()))
    report = load_state(net, state)
    assert report.rule == "name"
    assert report.dropped == ()
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())


def test_torchvisions_keys_are_matched_by_position(oracle: torch.nn.Module) -> None:
    net = small()
    report = load_state(net, oracle.state_dict())
    assert report.rule == "position"
    assert report.sources["blocks.0.conv.conv.weight"] == "features.0.0.weight"
    assert report.sources["blocks.1.gate.excite.bias"] == "features.1.block.1.fc2.bias"
    assert report.sources["head.classifier.linear.weight"] == "classifier.3.weight"
    assert len(report.sources) == len([key for key in net.state_dict() if "num_batches" not in key])
    assert_answers_agree(net, oracle)


def test_timms_1x1_convolutions_become_linear_layers_and_back() -> None:
    oracle = calibrate(timm.create_model("mobilenetv3_small_050"))
    net = build(find("mobilenet_v3_small@width=0.5,rule=timm,preset=timm")).eval()
    report = load_state(net, oracle.state_dict())
    assert report.sources["head.feature.linear.weight"] == "conv_head.weight"
    assert oracle.state_dict()["conv_head.weight"].dim() == 4
    assert_answers_agree(net, oracle)


def test_a_safetensors_file_of_torchvisions_is_put_back_into_order(oracle: torch.nn.Module, tmp_path: Path) -> None:
    """The format sorts keys by name, so that ``classifier`` comes first and ``bias`` before ``weight``."""
    save_file({key: value.contiguous() for key, value in oracle.state_dict().items()}, tmp_path / "tv.safetensors")
    net = small()
    assert load_state(net, read_weights(tmp_path / "tv.safetensors")).rule == "natural order"
    assert_answers_agree(net, oracle)


def test_sorted_keys_that_cannot_be_put_back_are_refused(tmp_path: Path) -> None:
    state = timm.create_model("mobilenetv3_small_050").state_dict()
    net = build(find("mobilenet_v3_small@width=0.5,rule=timm"))
    before = copied(net)
    with pytest.raises(WeightsError, match=r"does not fit where 'blocks.0.conv.conv.weight'"):
        load_state(net, {key: state[key] for key in sorted(state)})
    assert_unchanged(net, before)


def test_a_shift_never_becomes_a_scale(oracle: torch.nn.Module) -> None:
    """Weight and bias of every norm swapped: all shapes fit, and the answers would be wrong."""
    state = oracle.state_dict()
    keys = list(state)
    at = keys.index("features.0.1.weight")
    keys[at], keys[at + 1] = keys[at + 1], keys[at]
    net = small()
    assert load_state(net, {key: state[key] for key in keys}).rule == "natural order"
    assert_answers_agree(net, oracle)


def test_counters_of_batches_may_be_missing(oracle: torch.nn.Module) -> None:
    net = small()
    load_state(net, {key: value for key, value in oracle.state_dict().items() if "num_batches" not in key})
    assert_answers_agree(net, oracle)
    again = small(seed=3)
    state = {key: value for key, value in net.state_dict().items() if "num_batches" not in key}
    assert load_state(again, state).rule == "name"
    assert_answers_agree(again, oracle)


def renamed(state: dict[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {key.replace(old, new): value for key, value in state.items()}


@pytest.mark.parametrize("shift", [1, 2])
def test_case_m9_shifted_classifier_indices(oracle: torch.nn.Module, shift: int) -> None:
    state = dict(oracle.state_dict())
    for index in (3, 0):
        state = renamed(state, f"classifier.{index}.", f"classifier.{index + shift}.")
    net = small()
    report = load_state(net, state)
    assert report.sources["head.feature.linear.weight"] == f"classifier.{shift}.weight"
    assert report.sources["head.classifier.linear.bias"] == f"classifier.{3 + shift}.bias"
    assert_answers_agree(net, oracle)


def test_case_m9_strict_failure_lists_the_nearest_match(oracle: torch.nn.Module) -> None:
    state = dict(oracle.state_dict())
    del state["classifier.0.bias"]
    net = small()
    before = copied(net)
    with pytest.raises(WeightsError) as caught:
        load_state(net, state)
    text = str(caught.value)
    assert "'classifier.3.weight' (1000, 360) does not fit where 'head.feature.linear.bias' (360,) is needed" in text
    assert "\n" not in text
    assert_unchanged(net, before)


def test_case_m9_a_misplaced_tensor_is_found(oracle: torch.nn.Module) -> None:
    state = dict(oracle.state_dict())
    state["zzz.weight"] = state.pop("features.0.0.weight")
    with pytest.raises(WeightsError, match=r"'blocks.0.conv.conv.weight' .*; nearest of that shape: 'zzz.weight'"):
        load_state(small(), state)


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        ("classifier.3", "'head.classifier.linear.weight'; nearest: 'classifier.0.weight'"),
        (None, "the net has no place for 'aux.weight'"),
    ],
)
def test_too_few_or_too_many_tensors(oracle: torch.nn.Module, drop: str | None, message: str) -> None:
    state = {key: value for key, value in oracle.state_dict().items() if drop is None or not key.startswith(drop)}
    if drop is None:
        state["aux.weight"] = torch.zeros(3)
    with pytest.raises(WeightsError, match=message):
        load_state(small(), state)


def test_unknown_extra_tensors_beside_ours_are_refused() -> None:
    state = dict(small().state_dict()) | {"aux.weight": torch.zeros(3)}
    with pytest.raises(
        WeightsError, match=r"the weights have 1 tensors that the net has not, the first is 'aux.weight'"
    ):
        load_state(small(), state)


def test_case_m10_a_foreign_model_fails_and_changes_nothing() -> None:
    net = small()
    before = copied(net)
    for foreign in (torchvision.models.squeezenet1_1(), torchvision.models.mobilenet_v3_small()):
        with pytest.raises(WeightsError, match="the weights are of another network"):
            load_state(net, foreign.state_dict())
    assert_unchanged(net, before)


@pytest.mark.parametrize("ours", [True, False])
def test_another_number_of_classes_is_refused_with_both_numbers(oracle: torch.nn.Module, ours: bool) -> None:
    state = small().state_dict() if ours else oracle.state_dict()
    with pytest.raises(WeightsError, match=r"the weights are for 1000 classes .*, but the net has 5; drop their head"):
        load_state(small(",classes=5"), state)


@pytest.mark.parametrize("ours", [True, False])
def test_a_dropped_head_leaves_the_nets_own(oracle: torch.nn.Module, ours: bool) -> None:
    source: torch.nn.Module = oracle
    if ours:
        source = small()
        load_state(source, oracle.state_dict())
    net = small(",classes=5")
    before = copied(net)
    report = load_state(net, source.state_dict(), head="drop")
    head = ("head.classifier.linear.weight", "head.classifier.linear.bias")
    assert report.kept == head
    assert report.dropped == (head if ours else ("classifier.3.weight", "classifier.3.bias"))
    assert all(torch.equal(net.state_dict()[key], before[key]) for key in head)
    assert torch.equal(net.state_dict()["head.feature.linear.weight"], oracle.state_dict()["classifier.0.weight"])
