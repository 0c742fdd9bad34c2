"""A network of the zoo at any width has a point near it in the space around it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.arch.edits.detection import with_ssdlite
from edgesmith.arch.edits.segmentation import with_lr_aspp
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.space.nearest import nearest_point
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError

NAMES = ("mobilenet_v3_small", "mobilenet_v3_large", "mobilenet_v2")


def scaled(name: str, width: float) -> tuple[StagedSpace, NetSpec]:
    spec = find(f"{name}@width={width:g},resolution=128").with_num_classes(5)
    space = find_space(name, resolutions=(96, 128), num_classes=5)
    return space, replace(spec, padding=space.frame.padding, preset=space.frame.preset)


@pytest.mark.parametrize("name", NAMES)
def test_a_point_is_its_own_nearest(name: str) -> None:
    space, spec = scaled(name, 1.0)
    assert space.decode(nearest_point(space, spec)).blocks == spec.blocks


@pytest.mark.parametrize("width", [0.35, 0.5, 0.7, 0.9, 1.25])
@pytest.mark.parametrize("name", NAMES)
def test_each_width_has_a_point_of_about_its_widths(name: str, width: float) -> None:
    space, spec = scaled(name, width)
    near = space.decode(nearest_point(space, spec))
    assert near.resolution == spec.resolution
    for ours, theirs in zip(near.blocks, spec.blocks, strict=True):
        assert ours.kind == theirs.kind
        if isinstance(ours, InvertedResidual) and isinstance(theirs, InvertedResidual):
            assert ours.kernel_size == theirs.kernel_size
            assert 0.6 < ours.out_channels / theirs.out_channels < 1.6
            assert 0.6 < ours.expand_channels / theirs.expand_channels < 1.6
    assert isinstance(near.head, Classifier)


@pytest.mark.parametrize(("task", "with_head"), [("segmentation", with_lr_aspp), ("detection", with_ssdlite)])
def test_heads_of_other_tasks_are_kept(task: str, with_head: type) -> None:
    space = find_space("mobilenet_v3_small", resolutions=((96, 128),), num_classes=5, task=task)
    spec = with_head(find("mobilenet_v3_small@width=0.7,resolution=96x128")).with_num_classes(5)
    spec = replace(spec, padding=space.frame.padding, preset=space.frame.preset)
    near = space.decode(nearest_point(space, spec))
    assert near.head == spec.head
    assert [block.kind for block in near.blocks] == [block.kind for block in spec.blocks]


@pytest.mark.parametrize("other", ["mobilenet_v3_large", "squeezenet_1_1"])
def test_a_network_of_another_make_has_none(other: str) -> None:
    space = find_space("mobilenet_v3_small", resolutions=(128,), num_classes=5)
    with pytest.raises(SpecError, match=f"{other}.* is not in space mobilenet_v3_small_space, nor is it its network"):
        nearest_point(space, find(f"{other}@resolution=128").with_num_classes(5))


def test_another_resolution_is_said() -> None:
    space = find_space("mobilenet_v3_small", resolutions=(128,), num_classes=5)
    with pytest.raises(SpecError, match="has a resolution that the space mobilenet_v3_small_space has not"):
        nearest_point(space, find("mobilenet_v3_small@resolution=97").with_num_classes(5))
