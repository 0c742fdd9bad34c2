from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgesmith.arch.network import trace_network
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.operator_names import (
    is_of_part,
    layer_of_litert,
    layer_of_openvino,
    matching,
    operator_name,
)
from edgesmith.runtimes.openvino import import_openvino
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import make_model


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("blocks.3.expand.conv", "blocks.3.expand.conv/Conv"),
        ("net.blocks.3.gate", "blocks.3.gate/Conv"),
        ("net", "net/Conv"),
        ("", "Conv"),
    ],
)
def test_operators_are_called_after_their_layer(layer: str, name: str) -> None:
    assert operator_name(layer, "Conv") == name


def test_a_part_is_a_whole_step_of_the_path() -> None:
    names = ["blocks.1.gate/Mul", "blocks.1.gate.squeeze/Conv", "blocks.11.gate/Mul", "head.linear/Gemm"]
    assert matching(names, ["blocks.1"]) == names[:2]
    assert matching(names, ["blocks.1.gate.squeeze", "head"]) == [names[1], names[3]]
    assert is_of_part("blocks.1", "blocks.1")
    boxes = ["head.box0_filter.conv/Conv", "head.box1/Conv"]
    assert matching([*boxes, "head.class0/Conv", "head/Concat"], ["head.box*"]) == boxes


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("a.CL/e.nn.build.Net_n/e.nn.build.Program_3/e.ConvNorm_expand/t.Conv2d_conv;1", "blocks.3.expand.conv"),
        ("a.CL/e.Net_n/e.Program_head/e.LinearNorm_classifier/t.Linear_linear;", "head.classifier.linear"),
        ("a/e.Program_2/e.C_x/t.ReLU_act;;a/e.Program_2/e.C_x/t.Conv2d_conv;", "blocks.2.x.act"),
        ("a/e.Program_5/e.Pass_first_conv/t.Conv2d_conv;", "blocks.5.first_conv.conv"),
        ("arith.constant12", ""),
    ],
)
def test_layers_are_read_off_litert_torchs_names(name: str, layer: str) -> None:
    assert layer_of_litert(name) == layer


def test_layers_are_read_off_openvinos_names() -> None:
    assert layer_of_openvino("__module.blocks.4.gate.squeeze/aten::_convolution/Convolution") == "blocks.4.gate.squeeze"
    assert layer_of_openvino("Constant_9309") == ""


@pytest.mark.parametrize("format_name", ["onnx", "openvino", "litert"])
def test_every_layer_of_a_net_is_found_in_its_files(format_name: str, tmp_path: Path) -> None:
    """Parts as `trace_network` names them; what computes nothing on its own need not be there."""
    model = make_model(kind_net("inverted_residual"))
    exporter = FORMATS[format_name]
    path = tmp_path / f"model{exporter.suffix}"
    exporter.export(model.net, model.spec, path)
    names = NAMES[format_name](path)
    blocks, head = trace_network(model.spec).blocks, trace_network(model.spec).head
    parts = [f"blocks.{index}.{op.name}" for index, block in enumerate(blocks) for op in block.operations]
    parts += [
        f"head.{operation.name}" for operation in head.operations if operation.name not in ("dropout", "classifier")
    ]
    names = ["head.classifier" if name == "logits" else name for name in names]
    assert [part for part in parts if not matching(names, [part])] == []


def onnx_names(path: Path) -> list[str]:
    return [node.name for node in onnx.load(path).graph.node]


def openvino_names(path: Path) -> list[str]:
    return [each.get_friendly_name() for each in import_openvino().Core().read_model(path).get_ordered_ops()]


def litert_names(path: Path) -> list[str]:
    graph = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0).subgraphs[0]
    return [graph.tensors[operator.outputs[0]].name.decode() for operator in graph.operators]


NAMES = {"onnx": onnx_names, "openvino": openvino_names, "litert": litert_names}
