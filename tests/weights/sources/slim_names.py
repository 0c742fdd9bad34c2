"""A zoo net's tensors under the names and in the layout of TensorFlow's slim, for tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.network import trace_network
from edgesmith.arch.operations import Convolution, Gate, Linear
from edgesmith.arch.values import Operation
from edgesmith.nn.build import Net

Array = NDArray[np.float32]

ROLES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def slim_variables(net: Net) -> dict[str, Array]:
    """What slim would have saved of this MobileNetV1, V2 or V3."""
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    network = trace_network(net.spec)
    root = net.spec.family.replace("Net", "net")
    found: dict[str, Array] = {}
    for index, part in enumerate(network.blocks):
        for operation in part.operations:
            scope = f"{root}/{_scope(net, index, operation)}"
            found |= _variables(state, f"blocks.{index}.{operation.name}", operation, scope)
    for operation, scope in zip(_linears(net), _heads(net), strict=True):
        found |= _variables(state, f"head.{operation.name}", operation, f"{root}/{scope}")
    return found


def _scope(net: Net, index: int, operation: Operation) -> str:
    if net.spec.family == "MobileNetV1":
        return f"Conv2d_{index}" if index == 0 else f"Conv2d_{index}_{operation.name}"
    if index == 0:
        return "Conv"
    if index == len(net.spec.blocks) - 1:
        return "Conv_1"
    block = "expanded_conv" if index == 1 else f"expanded_conv_{index - 1}"
    return f"{block}/{'squeeze_excite' if isinstance(operation, Gate) else operation.name}"


def _linears(net: Net) -> list[Linear]:
    return [operation for operation in trace_network(net.spec).head.operations if isinstance(operation, Linear)]


def _heads(net: Net) -> list[str]:
    return (["Conv_2"] if len(_linears(net)) == 2 else []) + ["Logits/Conv2d_1c_1x1"]


def _variables(state: dict[str, Array], key: str, operation: Operation, scope: str) -> dict[str, Array]:
    match operation:
        case Convolution():
            weight = state[f"{key}.conv.weight"]
            is_depthwise = operation.groups > 1
            kernel = weight.transpose(2, 3, 0, 1) if is_depthwise else weight.transpose(2, 3, 1, 0)
            norm = {f"{scope}/BatchNorm/{theirs}": state[f"{key}.norm.{mine}"] for mine, theirs in ROLES.items()}
            return {f"{scope}/{'depthwise_weights' if is_depthwise else 'weights'}": kernel, **norm}
        case Linear():
            return {
                f"{scope}/weights": state[f"{key}.linear.weight"].T[None, None],
                f"{scope}/biases": state[f"{key}.linear.bias"],
            }
        case Gate():
            names = {"squeeze": f"{scope}/Conv", "excite": f"{scope}/Conv_1"}
            kernels = {f"{s}/weights": state[f"{key}.{part}.weight"].transpose(2, 3, 1, 0) for part, s in names.items()}
            return kernels | {f"{s}/biases": state[f"{key}.{part}.bias"] for part, s in names.items()}
        case _:
            return {}
