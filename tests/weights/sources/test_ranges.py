from __future__ import annotations

import pytest
import torch

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import Net, build
from edgesmith.nn.layers import SqueezeExcite
from edgesmith.weights.imported import Range
from edgesmith.weights.ranges import emulate_ranges
from tests.nn.nets import calibrate, pictures


@pytest.fixture(scope="module")
def net() -> Net:
    return calibrate(build(find("mobilenet_v3_small@width=0.35,classes=10")))


def answer(net: Net, *, module: str) -> torch.Tensor:
    """What a module of the net makes of two pictures."""
    made: list[torch.Tensor] = []
    handle = net.get_submodule(module).register_forward_hook(
        lambda _module, _inputs, output: made.append(output.clone())
    )
    with torch.no_grad():
        net(pictures(64, 64))
    handle.remove()
    return made[0]


@pytest.mark.parametrize("name", ["blocks.0.conv", "blocks.4.depthwise", "blocks.4.gate", "blocks.3.skip", "head.pool"])
def test_activations_are_clipped_and_rounded(net: Net, name: str) -> None:
    free = answer(net, module=name)
    limits = Range(low=float(free.min()) / 2, high=float(free.max()) / 2, step=float(free.max()) / 100)
    clipped = answer(emulate_ranges(net, {name: limits}, rounding=False), module=name)
    torch.testing.assert_close(clipped, free.clamp(limits.low, limits.high), rtol=0, atol=0)
    rounded = answer(emulate_ranges(net, {name: limits}), module=name)
    steps = (rounded - limits.low) / limits.step
    torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-3)
    assert (rounded - clipped).abs().max() <= limits.step * 0.501


@pytest.mark.parametrize("name", ["blocks.0.conv", "head.feature"])
def test_the_value_before_an_activation_is_held(net: Net, name: str) -> None:
    held = emulate_ranges(net, {f"{name}.linear": Range(low=-1.0, high=1.0)})
    assert float(answer(held, module=name).max()) == pytest.approx(2 / 3)  # the hard-swish of 1


def test_inner_values_of_a_gate(net: Net) -> None:
    ranges = {
        "blocks.4.gate.pool": Range(low=0.0, high=0.0),
        "blocks.4.gate.excite": Range(low=0.0, high=0.5),
        "blocks.4.gate.excite.linear": Range(low=-1.0, high=1.0),
    }
    held = emulate_ranges(net, ranges)
    gate = net.get_submodule("blocks.4.gate")
    assert isinstance(gate, SqueezeExcite)
    assert gate.squeeze.bias is not None
    narrow = torch.relu(gate.squeeze.bias)  # all that is left of a mean of zero
    wanted = gate.excite(narrow[None, :, None, None]).clamp(-1, 1)[0]
    torch.testing.assert_close(answer(held, module="blocks.4.gate.excite")[0], wanted)


def test_the_picture_is_held(net: Net) -> None:
    held = emulate_ranges(net, {"input": Range(low=0.0, high=0.0)})
    with torch.no_grad():
        assert torch.equal(held(pictures(64, 64)), held(pictures(64, 64) * 0))


def test_the_net_itself_stays_as_it_is(net: Net) -> None:
    before = answer(net, module="head.classifier")
    held = emulate_ranges(net.train(), {"blocks.0.conv": Range(low=0.0, high=0.1)})
    assert not held.training
    assert net.training
    assert torch.equal(answer(net.eval(), module="head.classifier"), before)
    assert held.state_dict().keys() == net.state_dict().keys()


def test_a_range_without_an_operation_is_an_error(net: Net) -> None:
    with pytest.raises(WeightsError, match=r"no operation 'blocks.3.skipp', for which there is a range; nearest: 'bl"):
        emulate_ranges(net, {"blocks.3.skipp": Range(low=0.0, high=1.0)})
