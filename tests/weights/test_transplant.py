from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

from edgesmith.arch.edits.ablation import no_se
from edgesmith.arch.edits.detection import CoarseTap, with_ssdlite
from edgesmith.arch.edits.segmentation import FineTap, with_lr_aspp
from edgesmith.arch.edits.widths import WidthKind, widths_of, with_width
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import Net, build
from edgesmith.weights.channel_maps import FRESH, ChannelMap, Selection, map_groups
from edgesmith.weights.transplant import Fill, transplant
from tests.nn.nets import calibrate, pictures, relative_difference

ELASTIC = {
    "mobilenet_v1@classes=7": "mobilenet_v1@width=0.5,classes=7",
    "mobilenet_v2@classes=7": "mobilenet_v2@width=0.5,classes=7",
    "mobilenet_v3_small@classes=7": "mobilenet_v3_small@width=0.75,classes=7,head=scaled",
    "mobilenet_v3_large@classes=7": "mobilenet_v3_large@width=0.75,classes=7,rule=torchvision",
    "mnasnet_a1@classes=7": "mnasnet_a1@width=0.75,classes=7",
    "mnasnet_b1@classes=7": "mnasnet_b1@width=0.75,classes=7",
    "mobilenet_v4_conv_small@classes=7": "mobilenet_v4_conv_small@width=0.5,classes=7",
    "squeezenet_1_1@classes=7": "squeezenet_1_1@classes=7",
}
SIDE = 64


def filled(spec: NetSpec, state: dict[str, Tensor]) -> Net:
    net = build(spec)
    net.load_state_dict(state)
    return net.eval()


def masked(net: Net, target: NetSpec, select: Selection) -> Net:
    """The wide net with the channels that the narrow one has not zeroed after their norm, or layer if it has none."""
    source, narrow = trace_network(net.spec), trace_network(target)
    pairs = {key: key for key in narrow.tensors()}
    maps = map_groups(source, narrow, net.state_dict(), pairs=pairs, select=select)
    kept = _kept(source.tensors(), narrow.tensors(), maps, source.group_sizes)
    for key, groups in ((key, tensor.axes[0].groups) for key, tensor in source.tensors().items() if tensor.axes):
        owner, _, role = key.rpartition(".")
        if role != "weight" or not groups or _has_norm(net, owner):
            continue
        mask = torch.cat([kept[group] for group in groups])
        net.get_submodule(owner).register_forward_hook(lambda _m, _i, out, mask=mask: out * _like(mask, out))
    return net


def _kept(
    wide: dict[str, Any], narrow: dict[str, Any], maps: dict[int, ChannelMap], sizes: tuple[int, ...]
) -> dict[int, Tensor]:
    masks: dict[int, Tensor] = {}
    for key, tensor in narrow.items():
        for axis, its in zip(tensor.axes, wide[key].axes, strict=True):
            for group, old in zip(axis.groups, its.groups, strict=True):
                mask = torch.zeros(sizes[old])
                mask[list(maps[group])] = 1
                masks[old] = mask
    return masks


def _has_norm(net: Net, owner: str) -> bool:
    return hasattr(net.get_submodule(owner.rpartition(".")[0]), "norm") and not owner.endswith("norm")


def _like(mask: Tensor, out: Tensor) -> Tensor:
    return mask[:, None, None] if out.dim() == 4 else mask


@pytest.mark.parametrize("select", Selection)
@pytest.mark.parametrize("wide", ELASTIC)
def test_a_narrower_net_is_the_wide_one_with_its_other_channels_zeroed(wide: str, select: Selection) -> None:
    net, target = calibrate(build(find(wide)), size=SIDE), find(ELASTIC[wide])
    narrow = filled(target, transplant(net.state_dict(), net.spec, target, select=select).state).double()
    images = pictures(SIDE, SIDE).double()
    with torch.inference_mode():
        expected = masked(net, target, select).double()(images)
        assert expected.std() > 1e-3
        assert relative_difference(narrow(images), expected) < 1e-9


LARGE = find("mobilenet_v3_large@classes=7,resolution=64")


@pytest.mark.parametrize("place", range(len(widths_of(LARGE))), ids=[width.name for width in widths_of(LARGE)])
def test_case_p2_every_width_of_large_narrows_by_a_step_and_what_is_kept_answers_as_before(
    large: Net, place: int
) -> None:
    width = widths_of(LARGE)[place]
    target = with_width(LARGE, width, width.channels - 8)
    narrow = filled(target, transplant(large.state_dict(), LARGE, target).state)
    images = pictures(SIDE, SIDE)
    with torch.inference_mode():
        expected = masked(copy.deepcopy(large), target, Selection.NORM)(images)
        assert expected.std() > 1e-3
        assert relative_difference(narrow(images), expected) < 1e-5
        assert relative_difference(large(images), expected) > 1e-4, "what was zeroed had a say"
    parameters = [sum(each.numel() for each in net.parameters()) for net in (narrow, large)]
    assert parameters[0] < parameters[1]


@pytest.mark.parametrize(
    "name", ["lraspp_mobilenet_v3_small", "raspp_mobilenet_v3_large", "ssdlite_mobilenet_v3_small"]
)
def test_heads_own_widths_and_what_their_taps_listen_to_narrow_and_answer_as_before(name: str) -> None:
    spec = find(f"{name}@classes=7,resolution=64")
    whole, images = calibrate(build(spec), size=SIDE), pictures(SIDE, SIDE)
    tapped = {tap.block % len(spec.blocks) for tap in spec.head.taps}
    widths = [width for width in widths_of(spec) if not width.blocks or tapped.intersection(width.blocks)]
    assert {width.kind for width in widths} > {WidthKind.HEAD}
    for width in widths:
        target = with_width(spec, width, width.channels - 8 * width.unit)
        narrow = filled(target, transplant(whole.state_dict(), spec, target).state)
        with torch.inference_mode():
            expected = masked(copy.deepcopy(whole), target, Selection.NORM)(images)
            assert relative_difference(narrow(images), expected) < 1e-5, width.name


@pytest.fixture(scope="module")
def large() -> Net:
    return calibrate(build(LARGE), size=SIDE)


@pytest.mark.parametrize("name", MODELS)
def test_identity(name: str) -> None:
    spec = find(name)
    state = build(spec).state_dict()
    moved = transplant(state, spec, spec)
    assert (moved.fresh, moved.dropped) == ((), ())
    assert list(moved.state) == list(state)
    assert all(moved.state[key] is value for key, value in state.items())


@settings(deadline=None, max_examples=15)
@given(st.lists(st.sampled_from([0.35, 0.5, 0.75, 1.0, 1.25]), min_size=3, max_size=3))
def test_a_chain_of_two_equals_the_direct_one(widths: list[float]) -> None:
    first, second, third = (find(f"mobilenet_v2@width={w},classes=4") for w in sorted(widths, reverse=True))
    state = build(first).state_dict()
    half = transplant(state, first, second, select=Selection.FIRST).state
    chain = transplant(half, second, third, select=Selection.FIRST).state
    direct = transplant(state, first, third, select=Selection.FIRST).state
    assert all(torch.equal(chain[key], direct[key]) for key in direct)


def test_prefixes_are_views_that_keep_gradients() -> None:
    wide, narrow = find("mobilenet_v3_small@classes=3"), find("mobilenet_v3_small@width=0.5,classes=3,head=scaled")
    source, net = build(wide), build(narrow).train()
    state = source.state_dict(keep_vars=True)
    moved = transplant(state, wide, narrow, select=Selection.FIRST).state
    stem = moved["blocks.0.conv.conv.weight"]
    assert stem.data_ptr() == state["blocks.0.conv.conv.weight"].data_ptr()
    answers: Any = functional_call(net, moved, (pictures(SIDE, SIDE),))
    answers.square().sum().backward()
    for name, parameter in source.named_parameters():
        assert parameter.grad is not None, name
        heard = moved[name].shape
        outside = parameter.grad.clone()
        outside[tuple(slice(0, size) for size in heard)] = 0
        assert not outside.any()
    assert all((p.grad is not None and p.grad.abs().sum() > 0) for p in source.head.parameters())


def test_the_largest_norms_are_kept_in_their_order() -> None:
    spec = find("mobilenet_v2@classes=4")
    block = spec.blocks[2]
    assert isinstance(block, InvertedResidual)
    state = build(spec).state_dict()
    weight = state["blocks.2.expand.conv.weight"]
    with torch.no_grad():
        weight[[3, 50, 90]] *= 100
    narrow = spec.with_block(2, replace(block, expand_channels=3))
    moved = transplant(state, spec, narrow).state
    assert torch.equal(moved["blocks.2.expand.conv.weight"], weight[[3, 50, 90]])
    assert torch.equal(moved["blocks.2.depthwise.conv.weight"], state["blocks.2.depthwise.conv.weight"][[3, 50, 90]])
    assert torch.equal(moved["blocks.2.project.conv.weight"], state["blocks.2.project.conv.weight"][:, [3, 50, 90]])
    assert torch.equal(
        moved["blocks.2.expand.norm.running_var"], state["blocks.2.expand.norm.running_var"][[3, 50, 90]]
    )


@pytest.mark.parametrize("wide", [name for name in ELASTIC if "squeezenet" not in name])
def test_a_wider_net_filled_with_zeros_answers_the_same(wide: str) -> None:
    narrow = calibrate(build(find(ELASTIC[wide])), size=SIDE)
    moved = transplant(narrow.state_dict(), narrow.spec, find(wide))
    images = pictures(SIDE, SIDE).double()
    with torch.inference_mode():
        expected = narrow.double()(images)
        assert relative_difference(filled(find(wide), moved.state).double()(images), expected) < 1e-9


def test_fresh_channels_begin_with_the_presets_values() -> None:
    narrow, wide = find("mobilenet_v2@width=0.5,classes=4"), find("mobilenet_v2@classes=4")
    state = {key: torch.zeros_like(value) for key, value in build(narrow).state_dict().items()}
    moved = transplant(state, narrow, wide, fill=Fill.FRESH, seed=3).state["blocks.0.conv.conv.weight"]
    assert torch.equal(moved[16:], build(wide, seed=3).state_dict()["blocks.0.conv.conv.weight"][16:])
    assert not moved[:16].any()


def test_kernels_are_cropped_and_padded_around_their_middle() -> None:
    spec = find("mobilenet_v3_small@classes=4")
    block = spec.blocks[4]
    assert isinstance(block, InvertedResidual)
    assert block.kernel_size == 5
    smaller = spec.with_block(4, replace(block, kernel_size=3))
    state = build(spec).state_dict()
    key = "blocks.4.depthwise.conv.weight"
    cropped = transplant(state, spec, smaller).state
    assert torch.equal(cropped[key], state[key][:, :, 1:4, 1:4])
    padded = transplant(cropped, smaller, spec).state[key]
    assert torch.equal(padded[:, :, 1:4, 1:4], cropped[key])
    assert padded.count_nonzero() == cropped[key].count_nonzero()


@pytest.mark.parametrize("name", ["mobilenet_v3_small@classes=4", "mnasnet_a1@classes=4"])
def test_a_new_gate_is_open_and_a_lost_one_is_reported(name: str) -> None:
    gated = find(name)
    bare = no_se(gated)
    net = calibrate(build(bare), size=SIDE)
    moved = transplant(net.state_dict(), bare, gated)
    assert all(".gate." in key for key in moved.fresh)
    with torch.inference_mode():
        expected, answers = net(pictures(SIDE, SIDE)), filled(gated, moved.state)(pictures(SIDE, SIDE))
        assert relative_difference(answers, expected) < (1e-5 if "v3" in name else 1e-2)
    back = transplant(moved.state, gated, bare)
    assert set(back.dropped) == set(moved.fresh)
    assert all(torch.equal(back.state[key], value) for key, value in net.state_dict().items())


def test_another_head_begins_anew_and_named_classes_are_kept() -> None:
    old, new = find("mobilenet_v3_small@classes=5"), find("mobilenet_v3_small@classes=3")
    state = build(old).state_dict()
    state["head.classifier.linear.bias"].copy_(torch.arange(5.0))
    moved = transplant(state, old, new, seed=1)
    assert moved.fresh == ("head.classifier.linear.weight", "head.classifier.linear.bias")
    assert moved.dropped == moved.fresh
    sliced = transplant(state, old, new, classes=(4, FRESH, 2)).state
    assert sliced["head.classifier.linear.bias"].tolist() == [4.0, 0.0, 2.0]


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(CoarseTap)))
def test_a_detectors_boxes_on_another_map_begin_anew_and_the_rest_is_kept(before: CoarseTap, after: CoarseTap) -> None:
    backbone = find("mobilenet_v3_small@classes=3,resolution=64")
    old, new = (with_ssdlite(backbone, tap=tap) for tap in (before, after))
    state = calibrate(build(old), size=SIDE).state_dict()
    moved = transplant(state, old, new)
    assert {key.split(".")[1] for key in moved.fresh} == {"box0_filter", "box0", "class0_filter", "class0"}
    assert all(torch.equal(moved.state[key], state[key]) for key in moved.state if key not in moved.fresh)
    filled(new, moved.state)


def test_a_segmenters_finer_map_elsewhere_leaves_the_backbone_as_it_is() -> None:
    backbone = find("mobilenet_v3_small@classes=3,resolution=64")
    old, new = (with_lr_aspp(backbone, tap=tap) for tap in (FineTap.OUTPUT_8, FineTap.DEPTHWISE_8))
    state = calibrate(build(old), size=SIDE).state_dict()
    moved = transplant(state, old, new)
    assert moved.fresh == ("head.low.conv.weight",)
    assert all(torch.equal(moved.state[key], state[key]) for key in moved.state if key not in moved.fresh)


@pytest.mark.parametrize(
    "name",
    ["shufflenet_v1", "condensenet_74", "shiftnet_b", "shiftresnet", "condensenet_cifar@depth=20", "squeezenet_1_0"],
)
def test_kinds_that_are_not_elastic_take_another_head(name: str) -> None:
    spec = find(name)
    moved = transplant(build(spec).state_dict(), spec, spec.with_num_classes(3)).state
    filled(spec.with_num_classes(3), moved)


@pytest.mark.parametrize(
    ("name", "other", "message"),
    [
        (
            "shufflenet_v1",
            "shufflenet_v1@width=0.5",
            r"block 2 \(shuffle_unit\) cannot change its widths: blocks.2.reduce",
        ),
        ("shiftresnet", "shiftresnet@expansion=3", r"block 1 \(shift_residual\) cannot change its widths"),
        ("mobilenet_v1", "mobilenet_v1_shallow", "has 14 blocks and mobilenet_v1_shallow 9; say with blocks="),
        ("mobilenet_v1", "mobilenet_v1_full", "block 1 of mobilenet_v1_full is a conv, but would be filled by a sep"),
    ],
)
def test_what_cannot_be_moved_is_refused(name: str, other: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        transplant(build(find(name)).state_dict(), find(name), find(other))


def test_blocks_can_be_left_out_and_repeated() -> None:
    deep = find("mobilenet_v1@classes=3")
    shallow = find("mobilenet_v1_shallow@classes=3")
    net = build(deep)
    moved = transplant(net.state_dict(), deep, shallow, blocks=(0, 1, 2, 3, 4, 5, 6, 12, 13))
    kept = net.state_dict()["blocks.12.depthwise.conv.weight"]
    assert torch.equal(moved.state["blocks.7.depthwise.conv.weight"], kept)
    assert isinstance(filled(shallow, moved.state), nn.Module)


def test_new_channels_are_not_heard_and_can_learn() -> None:
    narrow = find("mobilenet_v3_small@width=0.5,classes=4")
    wide = with_width(narrow, widths_of(narrow)[1], widths_of(narrow)[1].channels + 16)
    net = calibrate(build(narrow), size=SIDE)
    grown = filled(wide, transplant(net.state_dict(), narrow, wide).state)
    images = pictures(SIDE, SIDE)
    with torch.inference_mode():
        assert relative_difference(grown(images), net(images)) < 1e-5
    grown(images).square().sum().backward()
    fresh = [
        weight.grad[:, old.shape[1] :]
        for (key, weight), old in zip(grown.named_parameters(), net.parameters(), strict=True)
        if key.endswith("conv.weight") and weight.shape[1] > old.shape[1] and weight.grad is not None
    ]
    assert fresh
    assert all(gradient.abs().sum() > 0 for gradient in fresh)


def test_a_new_gate_can_learn_where_values_are_fresh() -> None:
    gated = find("mobilenet_v3_small@classes=4")
    bare = no_se(gated)
    net = calibrate(build(bare), size=SIDE)
    moved = transplant(net.state_dict(), bare, gated, fill=Fill.FRESH)
    grown = filled(gated, moved.state)
    grown(pictures(SIDE, SIDE)).square().sum().backward()
    gates = {key: weight.grad for key, weight in grown.named_parameters() if key.endswith("excite.weight")}
    assert len(gates) == 9
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gates.values())
