from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from edgesmith.core.errors import ExportError
from edgesmith.deploy.onnx_graph import count_operators, finish_, lower_opset_, pool_means_

SHAPE = (2, 4, 6, 5)


def graph_of(nodes: list[NodeProto], constants: dict[str, np.ndarray], out_shape: tuple[int, ...]) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out_shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def mean(axes: list[int], *, keepdims: int, out_shape: tuple[int, ...]) -> ModelProto:
    node = helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=keepdims)
    return graph_of([node], {"axes": np.array(axes, np.int64)}, out_shape)


def run(model: ModelProto) -> np.ndarray:
    onnx.checker.check_model(model)
    x = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize("axes", [[2, 3], [-1, -2]])
def test_spatial_mean_becomes_a_pool_with_the_same_values(axes: list[int]) -> None:
    model = mean(axes, keepdims=1, out_shape=(2, 4, 1, 1))
    before = run(model)
    pool_means_(model)
    assert count_operators(model) == {"GlobalAveragePool": 1}
    assert len(model.graph.initializer) == 0
    np.testing.assert_allclose(run(model), before, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("axes", "keepdims", "out_shape"), [([2, 3], 0, (2, 4)), ([1, 2], 1, (2, 1, 1, 5))])
def test_other_means_stay_and_can_be_lowered(axes: list[int], keepdims: int, out_shape: tuple[int, ...]) -> None:
    model = mean(axes, keepdims=keepdims, out_shape=out_shape)
    before = run(model)
    pool_means_(model)
    lower_opset_(model, 13)
    assert count_operators(model) == {"ReduceMean": 1}
    assert model.opset_import[0].version == 13
    np.testing.assert_array_equal(run(model), before)


def test_case_e1_hard_swish_below_14_is_x_times_hard_sigmoid() -> None:
    model = graph_of([helper.make_node("HardSwish", ["x"], ["y"], name="swish")], {}, SHAPE)
    before = run(model)
    lower_opset_(model, 14)
    assert count_operators(model) == {"HardSwish": 1}
    lower_opset_(model, 13)
    assert count_operators(model) == {"HardSigmoid": 1, "Mul": 1}
    x = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
    np.testing.assert_allclose(run(model), x * np.clip(x / 6 + 0.5, 0, 1), rtol=0, atol=1e-6)
    np.testing.assert_allclose(run(model), before, rtol=0, atol=1e-6)


def test_reshape_loses_allowzero_below_14() -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["y"], allowzero=1)
    model = graph_of([node], {"shape": np.array([-1, 120], np.int64)}, (2, 120))
    lower_opset_(model, 13)
    assert run(model).shape == (2, 120)


def test_operator_that_an_opset_lacks_is_named() -> None:
    model = graph_of([helper.make_node("Mish", ["x"], ["y"])], {}, SHAPE)
    with pytest.raises(ExportError, match="opset 17 has no Mish as this network needs it; ask for 18"):
        lower_opset_(model, 17)


def test_finish_refuses_an_opset_that_was_not_written() -> None:
    model = graph_of([helper.make_node("Relu", ["x"], ["y"])], {}, SHAPE)
    with pytest.raises(ExportError, match="opset 20 was asked for, but the exporter wrote 18"):
        finish_(model, opset=20, model_hash="0" * 12)


def test_finish_writes_the_oldest_file_version_that_will_do() -> None:
    model = graph_of([helper.make_node("Relu", ["x"], ["y"], doc_string="line 3 of a file")], {}, SHAPE)
    model.ir_version = 10
    finish_(model, opset=18, model_hash="a" * 12)
    assert model.ir_version == 8
    assert model.graph.node[0].doc_string == ""
    assert {prop.key: prop.value for prop in model.metadata_props} == {"edgesmith.model_hash": "a" * 12}
