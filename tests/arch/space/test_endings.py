"""Spaces with the heads of every other task: legal points that are found again, and the networks they are around."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from edgesmith.arch.anchors import AnchorScheme
from edgesmith.arch.cost import count_total
from edgesmith.arch.edits.detection import CoarseTap, with_decoding, with_ssdlite
from edgesmith.arch.edits.segmentation import FineTap, Tail, strides_of, with_lr_aspp, with_r_aspp
from edgesmith.arch.names import Point
from edgesmith.arch.network import trace_network
from edgesmith.arch.space.endings.table import ENDINGS
from edgesmith.arch.space.presets import SPACES, backbones_of, find_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError
from edgesmith.search.labels import labels_of

SIZES = ((96, 128), (192, 256))


def space_of(name: str, task: str) -> StagedSpace:
    return find_space(name, resolutions=SIZES, num_classes=5, task=task)


ALL = {f"{task}-{name}": space_of(name, task) for task, name in product(ENDINGS, SPACES)}


@pytest.mark.parametrize("name", ALL)
def test_points_are_legal_networks_of_the_task_and_are_found_again(name: str) -> None:
    space, rng = ALL[name], np.random.default_rng(0)
    for _ in range(20):
        spec = space.decode(space.sample(rng))
        trace_network(spec)
        assert spec.head.task == name.partition("-")[0]
        assert spec.resolution in SIZES
        again = space.decode(space.encode(spec))
        assert model_hash(again) == model_hash(spec)


@pytest.mark.parametrize("name", ALL)
def test_neighbours_are_legal_and_differ_in_one_choice(name: str) -> None:
    space, rng = ALL[name], np.random.default_rng(2)
    point = space.sample(rng)
    beside = list(space.neighbours(point))
    for other in beside:
        trace_network(space.decode(other))
    own = [choice.name for choice in space.ending.choices]
    changed = {
        choice.name for other in beside for choice, a, b in zip(space.choices, point, other, strict=True) if a != b
    }
    assert set(own) <= changed


@pytest.mark.parametrize("name", ALL)
def test_the_first_options_of_heads_are_the_cheapest(name: str) -> None:
    space = ALL[name]
    first = space.normal((0,) * len(space.choices))
    least = count_total(space.decode(first)).madds
    begin = len(space.choices) - len(space.ending.choices)
    for place, choice in enumerate(space.choices[begin:], begin):
        for option in range(len(choice.options)):
            other = space.normal((*first[:place], option, *first[place + 1 :]))
            assert count_total(space.decode(other)).madds >= 0.99 * least, (
                choice.name
            )  # a separable filter may be narrower than its output


@pytest.mark.parametrize("name", ALL)
def test_every_option_has_a_label_of_its_own(name: str) -> None:
    for choice in ALL[name].choices:
        assert len(set(labels_of(choice))) == len(choice.options)


def at(spec: NetSpec) -> NetSpec:
    return spec.with_resolution(*SIZES[1]).with_num_classes(5)


@pytest.mark.parametrize("net", ["mobilenet_v3_small", "mobilenet_v3_large", "mobilenet_v2"])
@pytest.mark.parametrize(("tail", "stride"), list(product(Tail, (16, 32))))
def test_the_papers_segmenters_are_points(net: str, tail: Tail, stride: int) -> None:
    space = space_of(net, "segmentation")
    spec = at(with_lr_aspp(find(net), output_stride=stride, tail=tail))
    chosen = space.values(space.encode(spec))
    assert (chosen["last_stage"], chosen["output_stride"], chosen["filters"]) == (tail, stride, 128)
    assert chosen["tap"] is FineTap.DEPTHWISE_8
    assert model_hash(space.decode(space.encode(spec))) == model_hash(spec)


@pytest.mark.parametrize("net", ["mobilenet_v3_small", "mobilenet_v3_large", "mobilenet_v2"])
@pytest.mark.parametrize(("tail", "anchors"), list(product(Tail, AnchorScheme)))
def test_the_papers_detectors_are_points(net: str, tail: Tail, anchors: AnchorScheme) -> None:
    space = space_of(net, "detection")
    spec = at(with_ssdlite(find(net), tail=tail, anchors=anchors))
    chosen = space.values(space.encode(spec))
    assert (chosen["last_stage"], chosen["anchors"], chosen["maps"]) == (tail, anchors, 1.0)
    assert chosen["tap"] is CoarseTap.EXPAND
    assert model_hash(space.decode(space.encode(spec))) == model_hash(spec)


@pytest.mark.parametrize("net", ["mobilenet_v3_small", "mobilenet_v3_large", "mobilenet_v2"])
@pytest.mark.parametrize(("tail", "stride"), list(product(Tail, (16, 32))))
def test_segmenters_with_r_aspp_are_points_without_a_finer_map(net: str, tail: Tail, stride: int) -> None:
    space = space_of(net, "segmentation")
    spec = at(with_r_aspp(find(net), output_stride=stride, tail=tail))
    chosen = space.values(space.encode(spec))
    assert (chosen["last_stage"], chosen["output_stride"], chosen["filters"]) == (tail, stride, 256)
    assert chosen["tap"] is None
    made = space.decode(space.encode(spec))
    assert made.head.kind == "r_aspp"
    assert model_hash(made) == model_hash(spec)


@pytest.mark.parametrize("net", ["mobilenet_v3_small", "mobilenet_v3_large", "mobilenet_v2"])
@pytest.mark.parametrize("tap", CoarseTap)
def test_the_first_map_of_a_detector_is_where_it_was_chosen(net: str, tap: CoarseTap) -> None:
    space = space_of(net, "detection")
    spec = at(with_ssdlite(find(net), tap=tap))
    first = spec.head.taps[0]
    assert strides_of(spec)[first.block - 1 : first.block + 1] == [16, 32]
    assert first.point is tap.point
    chosen = space.values(space.encode(spec))
    assert chosen["tap"] is tap
    assert model_hash(space.decode(space.encode(spec))) == model_hash(spec)


def test_both_heads_and_both_first_maps_are_drawn() -> None:
    rng = np.random.default_rng(0)
    dense, boxes = space_of("mobilenet_v3_small", "segmentation"), space_of("mobilenet_v3_small", "detection")
    assert {dense.decode(dense.sample(rng)).head.kind for _ in range(40)} == {"lr_aspp", "r_aspp"}
    assert {boxes.decode(boxes.sample(rng)).head.taps[0].point for _ in range(40)} == {Point.INPUT, Point.EXPAND}


def test_a_published_segmenter_of_table_7_is_a_point() -> None:
    space, spec = space_of("mobilenet_v3_large", "segmentation"), at(find("lraspp_mobilenet_v3_large@filters=256"))
    assert space.values(space.encode(spec))["filters"] == 256


@pytest.mark.parametrize("tap", FineTap)
def test_the_finer_map_is_where_it_was_chosen(tap: FineTap) -> None:
    spec = with_lr_aspp(find("mobilenet_v3_small"), tap=tap)
    fine = spec.head.taps[0]
    assert strides_of(spec)[fine.block] == tap.stride
    assert fine.point is tap.point
    assert strides_of(spec)[fine.block + 1] > tap.stride


def test_what_is_not_in_the_space_is_said() -> None:
    space = space_of("mobilenet_v3_small", "segmentation")
    classifier = at(find("mobilenet_v3_small"))
    with pytest.raises(SpecError, match="its head is no lr_aspp or r_aspp of 64, 128, 256 filters"):
        space.encode(classifier)
    with pytest.raises(SpecError, match="its head is no ssdlite"):
        space_of("mobilenet_v3_small", "detection").encode(with_lr_aspp(classifier))
    assert backbones_of(space).contains(replace(classifier, head=space.decode((0,) * len(space.choices)).head)) is False
    other = with_lr_aspp(at(find("mobilenet_v3_large")))
    with pytest.raises(SpecError, match="no option fits block"):
        space.encode(other)


def test_a_file_of_a_detector_is_no_point_but_what_is_trained_is() -> None:
    space = space_of("mobilenet_v3_small", "detection")
    spec = at(with_ssdlite(find("mobilenet_v3_small")))
    assert space.contains(spec)
    assert not space.contains(with_decoding(spec))
