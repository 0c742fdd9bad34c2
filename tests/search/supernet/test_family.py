"""Every net of a space is a part of the largest one; what cannot be is refused in one line."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.layers import Layer, Operator
from edgesmith.arch.space.parts import Frame, Stage
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.space.published import macro_space, ofa_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import build
from edgesmith.search.supernet.active import Shells
from edgesmith.search.supernet.family import Family, require_elastic
from tests.search.supernet.nets import lively, noise, points, tiny_space

SPACE = tiny_space()
FAMILY = Family(SPACE)
NET = lively(FAMILY.spec)


def test_the_largest_net_has_every_largest_option_and_the_smallest_every_smallest() -> None:
    largest, smallest = SPACE.values(FAMILY.largest), SPACE.values(FAMILY.smallest)
    assert (largest["stage1.width"], largest["stage2.depth"], largest["stage2.kernel_size"]) == (16, 3, 5)
    assert largest["stage2.layer3.expansion"] == 3.0
    assert (smallest["stage1.width"], smallest["stage2.depth"], smallest["stage2.kernel_size"]) == (8, 1, 3)
    sizes = [count_total(SPACE.decode(point)).parameters for point in points(SPACE, 50)]
    assert count_total(SPACE.decode(FAMILY.smallest)).parameters <= min(sizes)
    assert count_total(FAMILY.spec).parameters >= max(sizes)


def test_options_of_one_size_are_those_of_a_point_that_is_liked() -> None:
    for option in (0, 1):
        names = [choice.name for choice in SPACE.choices]
        like = tuple(option if name == "stage2.activation" else 0 for name in names)
        family = Family(SPACE, like=like)
        assert family.largest[names.index("stage2.activation")] == option
        assert SPACE.values(family.largest)["stage2.width"] == 24


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_a_nets_weights_are_views_and_gradients_reach_exactly_their_part(seed: int) -> None:
    (point,) = points(SPACE, 1, seed=seed)
    state = {key: tensor.clone().requires_grad_(tensor.is_floating_point()) for key, tensor in NET.state_dict().items()}
    views = FAMILY.views(state, point)
    blocks = FAMILY.blocks(point)
    expected = {key: torch.zeros_like(tensor) for key, tensor in state.items() if tensor.is_floating_point()}
    total = torch.zeros(())
    for key, view in views.items():
        if not view.is_floating_point():
            continue
        parent = key
        if key.startswith("blocks."):
            _, number, rest = key.split(".", 2)
            parent = f"blocks.{blocks[int(number)]}.{rest}"
        part = tuple(
            slice((whole - size) // 2, (whole - size) // 2 + size) if axis >= 2 else slice(0, size)
            for axis, (size, whole) in enumerate(zip(view.shape, state[parent].shape, strict=True))
        )
        assert view.data_ptr() == state[parent][part].data_ptr()
        assert view.stride() == state[parent][part].stride()
        expected[parent][part] = 1
        total = total + view.sum()
    total.backward()  # type: ignore[no-untyped-call]
    for key, mask in expected.items():
        gradient = state[key].grad
        assert torch.equal(torch.zeros_like(mask) if gradient is None else gradient, mask), key


def test_the_largest_point_answers_as_the_plain_net() -> None:
    images = noise(6)
    twin = build(FAMILY.spec)
    twin.load_state_dict(NET.state_dict())
    for module in twin.modules():
        module.train(not isinstance(module, torch.nn.Dropout))
    state = dict(NET.named_parameters()) | dict(NET.named_buffers())
    assert torch.equal(Shells(FAMILY).run(state, FAMILY.largest, images), twin(images))


def test_shells_leave_the_statistics_of_the_largest_net_alone() -> None:
    before = {name: buffer.clone() for name, buffer in NET.named_buffers()}
    state = dict(NET.named_parameters()) | dict(NET.named_buffers())
    shells = Shells(FAMILY)
    for point in points(SPACE, 4):
        shells.run(state, point, noise())
    assert all(torch.equal(buffer, before[name]) for name, buffer in NET.named_buffers())


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v3_small", "mobilenet_v2", "ofa"])
def test_the_spaces_that_edgesmith_searches_can_share_weights(name: str) -> None:
    space = ofa_space() if name == "ofa" else find_space(name, num_classes=10)
    family = Family(space)
    state = build(family.spec).state_dict()
    for point in points(space, 3):
        views = family.views(state, point)
        built = build(space.decode(point)).state_dict()
        assert {key: tensor.shape for key, tensor in built.items() if not key.endswith("tracked")} == {
            key: tensor.shape for key, tensor in views.items() if not key.endswith("tracked")
        }


@pytest.mark.parametrize("kind", ["shuffle_unit", "shift_residual"])
def test_kinds_that_are_not_elastic_are_refused_by_name(kind: str) -> None:
    spec = find({"shuffle_unit": "shufflenet_v1", "shift_residual": "shiftresnet"}[kind])
    with pytest.raises(WeightsError, match=rf"{kind}, which is not elastic") as error:
        require_elastic(spec)
    assert "\n" not in str(error.value)


def test_a_choice_between_kinds_is_refused_by_name() -> None:
    with pytest.raises(
        WeightsError, match=r"stage1\.operator puts kind inverted_residual where the largest net has conv: "
    ):
        Family(find_space("mnasnet", num_classes=10))
    with pytest.raises(
        WeightsError, match=r"stage1\.layer1\.operator puts kind conv where the largest net has inverted_residual: "
    ):
        Family(macro_space())


def test_a_net_with_a_tensor_that_the_largest_lacks_is_refused() -> None:
    frame = Frame(family="odd", stems=(8, 16), tails=(32,), resolutions=(32,), num_classes=2)
    stage = Stage(stride=1, widths=(16,), layer=Layer(operator=Operator.INVERTED, expansion=16))
    family = Family(StagedSpace("odd", frame, [stage]))
    state = build(family.spec).state_dict()
    narrow = next(point for point in points(family.space, 20) if family.space.values(point)["stem"] == 8)
    with pytest.raises(WeightsError, match=r"blocks\.1\.expand\.\S+ has no place in it") as error:
        family.views(state, narrow)
    assert "\n" not in str(error.value)
