"""Small ONNX files with a known answer."""

from __future__ import annotations

from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx", reason="onnx comes with edgesmith[train]")

SIZES = ("N", 3, 4, 4)


def write_graph(
    path: Path, *, inputs: int = 1, outputs: int = 1, shape: tuple[int | str, ...] = SIZES, uint8: bool = False
) -> Path:
    """Output ``i`` is the sum of all inputs, as float, times ``i + 2``."""
    helper, kinds = onnx.helper, onnx.TensorProto
    names = [f"x{index}" for index in range(inputs)]
    nodes = [helper.make_node("Cast", [name], [f"{name}f"], to=kinds.FLOAT) for name in names]
    nodes.append(helper.make_node("Sum", [f"{name}f" for name in names], ["sum"]))
    factors = [helper.make_tensor(f"k{index}", kinds.FLOAT, [], [index + 2.0]) for index in range(outputs)]
    nodes += [helper.make_node("Mul", ["sum", f"k{index}"], [f"y{index}"]) for index in range(outputs)]
    kind = kinds.UINT8 if uint8 else kinds.FLOAT
    graph = helper.make_graph(
        nodes,
        "sum",
        [helper.make_tensor_value_info(name, kind, shape) for name in names],
        [helper.make_tensor_value_info(f"y{index}", kinds.FLOAT, shape) for index in range(outputs)],
        factors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)
    return path
