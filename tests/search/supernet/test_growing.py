"""What a trained net knows is in the largest net that grows from it, and all that is new can learn."""

from __future__ import annotations

import pytest
import torch

from edgesmith.arch.names import Activation
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.layers import Gating
from edgesmith.arch.space.parts import Frame, Stage
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import build
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.growing import grow, place_of
from edgesmith.weights.importance import sort_channels
from tests.search.supernet.nets import TASK, lively, noise


def still_space(*, num_classes: int = 2) -> StagedSpace:
    """A space whose every block keeps its form, so that growing keeps the answers."""
    frame = Frame(
        family="still",
        stems=(8, 12),
        tails=(32, 48),
        features=(24, 40),
        activation=Activation.HARD_SWISH,
        resolutions=(32,),
        num_classes=num_classes,
    )
    common = {
        "kernel_size": (3, 5),
        "gating": (Gating.NONE, Gating.EXPANSION),
        "activation": (Activation.RELU, Activation.HARD_SWISH),
    }
    own = {"expansion": (2.0, 3.0)}
    stages = [
        Stage(stride=2, widths=(8, 16), depths=(2, 3), common=common, own=own),
        Stage(stride=2, widths=(16, 24), depths=(1, 2, 3), common=common, own=own),
    ]
    return StagedSpace("still_space", frame, stages)


def a_point(space: StagedSpace, **wanted: int) -> Encoding:
    return space.normal(tuple(wanted.get(choice.name.replace(".", "_"), 0) for choice in space.choices))


@pytest.mark.parametrize(
    ("wanted", "tolerance"),
    [
        ({"stage1_gating": 1, "stage2_gating": 1}, 1e-5),
        ({"stage1_gating": 1, "stage2_gating": 1, "stage1_depth": 1, "stem": 1, "stage2_kernel_size": 1}, 1e-5),
        ({"stage1_gating": 1, "stage2_gating": 1, "stage2_depth": 1, "stage2_activation": 1, "tail": 1}, 1e-5),
        ({"feature": 1, "stage2_width": 1}, 0.15),  # new gates let 98 % through
    ],
)
def test_the_largest_net_answers_as_the_net_that_it_grew_from(wanted: dict[str, int], tolerance: float) -> None:
    space = still_space()
    spec = space.decode(a_point(space, **wanted))
    net, images = lively(spec), noise(8)
    family = Family(space, like=place_of(space, spec))
    largest = build(family.spec)
    largest.load_state_dict(grow(net.state_dict(), spec, family))
    with torch.no_grad():
        expected, found = net(images), largest.eval()(images)
        assert expected.std() > 0.1
        assert (found - expected).abs().max() <= tolerance * expected.abs().max()


def test_all_that_is_new_can_learn() -> None:
    space = still_space()
    spec = space.decode(a_point(space))
    family = Family(space, like=place_of(space, spec))
    largest = build(family.spec)
    largest.load_state_dict(grow(lively(spec).state_dict(), spec, family))
    optimizer = torch.optim.SGD(largest.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        TASK.loss(largest.train()(noise(16)), torch.arange(16) % 2).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for name, parameter in largest.named_parameters():
        assert parameter.grad is not None
        if parameter.ndim > 1 and parameter.shape[2:] in ((), (1, 1)):
            rows = parameter.grad.flatten(1).abs().sum(dim=1)
            assert (rows > 0).float().mean() > 0.5, name


def test_imported_v3_small_starts_a_space_with_other_classes() -> None:
    space = find_space("mobilenet_v3_small", resolutions=(64,), num_classes=5)
    spec = find("mobilenet_v3_small")
    family = Family(space, like=place_of(space, spec))
    state = lively(spec).state_dict()
    made = grow(state, spec, family)
    build(family.spec).load_state_dict(made)
    assert made["head.classifier.linear.weight"].shape[0] == 5
    ordered = sort_channels(state, spec)
    depthwise = made["blocks.3.depthwise.conv.weight"]
    theirs = ordered["blocks.2.depthwise.conv.weight"]
    middle = (depthwise.shape[2] - theirs.shape[2]) // 2
    side = slice(middle, middle + theirs.shape[2])
    assert torch.equal(depthwise[: len(theirs), :, side, side], theirs)


def test_weights_of_a_net_outside_the_space_are_refused() -> None:
    space = find_space("mobilenet_v3_small", resolutions=(64,), num_classes=5)
    with pytest.raises(WeightsError, match=r"cannot start the supernet: .* is not in space") as error:
        place_of(space, find("mobilenet_v2"))
    assert "\n" not in str(error.value)
