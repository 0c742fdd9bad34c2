"""Edits on an ONNX graph: what the exporter leaves behind, faster pooling, older opsets."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from edgesmith.core.errors import ExportError, first_line
from edgesmith.deploy.operator_names import operator_name

_HIGHEST_IR: Final = 10
_SCOPES: Final = "pkg.torch.onnx.name_scopes"

# Between opsets 13 and 18 these gained element types and nothing else.
_ONLY_TYPES_GREW: Final = frozenset({"Add", "Div", "Identity", "LeakyRelu", "Mul", "Pow", "Relu", "Sub", "Where"})


def count_operators(model: ModelProto) -> dict[str, int]:
    """How often each operator occurs, by name."""
    return dict(sorted(Counter(node.op_type for node in model.graph.node).items()))


def finish_(model: ModelProto, *, opset: int, model_hash: str) -> None:
    """Bring a fresh graph to the wanted opset, without traces of the machine that wrote it.

    Args:
        model: Changed in place.
        opset: The opset that the file must have.
        model_hash: Kept in the file, so that it can be recognised.

    Raises:
        ExportError: The graph cannot be expressed at that opset.
    """
    name_nodes_(model)
    pool_means_(model)
    if opset < opset_of(model):
        lower_opset_(model, opset)
    if opset_of(model) != opset:
        raise ExportError(f"opset {opset} was asked for, but the exporter wrote {opset_of(model)}; leave --opset out")
    drop_notes_(model)
    model.ir_version = min(_HIGHEST_IR, helper.find_min_ir_version_for(list(model.opset_import), ignore_unknown=True))
    helper.set_model_props(model, {"edgesmith.model_hash": model_hash})
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the graph is not valid ONNX: {first_line(error)}") from error


def opset_of(model: ModelProto) -> int:
    """Version of the standard operators; 0 when the graph has others as well."""
    versions = {entry.domain: entry.version for entry in model.opset_import}
    return versions[""] if set(versions) == {""} else 0


def name_nodes_(model: ModelProto) -> None:
    """Call each node after the layer that it comes from: ``blocks.3.expand.conv/Conv``."""
    given: Counter[str] = Counter()
    for node in model.graph.node:
        notes = {note.key: note.value for note in node.metadata_props}
        scopes = ast.literal_eval(notes.get(_SCOPES, "[]"))
        name = operator_name(scopes[-2] if len(scopes) > 1 else "", node.op_type)
        given[name] += 1
        node.name = name if given[name] == 1 else f"{name}_{given[name]}"


def drop_notes_(model: ModelProto) -> None:
    """Remove what torch writes beside the graph: source lines with folder names, module paths, and so on."""
    graph = model.graph
    parts = [*graph.node, *graph.input, *graph.output, *graph.initializer, *graph.value_info, graph, model]
    for part in parts:
        part.doc_string = ""
        del part.metadata_props[:]


def pool_means_(model: ModelProto) -> None:
    """Write each mean over height and width as a pool: ONNX Runtime then keeps its blocked layout.

    With means it reorders the tensor before each squeeze-and-excite gate; V3-Small ran about 1 % longer so.
    """
    values, ranks = _constants(model), _ranks(model)
    for node in model.graph.node:
        if node.op_type == "ReduceMean" and ranks.get(node.input[0]) == 4 and _is_spatial_mean(node, values):
            pool = helper.make_node("GlobalAveragePool", node.input[:1], node.output, name=node.name)
            node.CopyFrom(pool)
    _drop_unused_constants_(model)


def lower_opset_(model: ModelProto, opset: int) -> None:
    """Rewrite operators that an older opset lacks; the others must mean there what they mean now.

    Args:
        model: At opset 18; changed in place.
        opset: 13 to 17.

    Raises:
        ExportError: An operator has no equivalent there.
    """
    values, newest = _constants(model), opset_of(model)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if _is_unchanged(node, opset, newest):
            nodes.append(node)
        elif node.op_type in _LOWER:
            nodes += _LOWER[node.op_type](node, values)
        else:
            raise ExportError(f"opset {opset} has no {node.op_type} as this network needs it; ask for {newest}")
    kept = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.opset_import[0].version = opset


def _is_unchanged(node: NodeProto, opset: int, newest: int) -> bool:
    try:
        then = onnx.defs.get_schema(node.op_type, opset)
    except onnx.defs.SchemaError:
        return False
    now = onnx.defs.get_schema(node.op_type, newest)
    return then.since_version == now.since_version or node.op_type in _ONLY_TYPES_GREW


def _lower_hard_swish(node: NodeProto, values: Mapping[str, NDArray[np.generic]]) -> Iterable[NodeProto]:
    """``x * HardSigmoid(x)``, which ONNX Runtime fuses again."""
    gate = f"{node.output[0]}_gate"
    yield helper.make_node("HardSigmoid", [node.input[0]], [gate], name=f"{node.name}_gate", alpha=1 / 6, beta=0.5)
    yield helper.make_node("Mul", [node.input[0], gate], [node.output[0]], name=node.name)


def _lower_reshape(node: NodeProto, values: Mapping[str, NDArray[np.generic]]) -> Iterable[NodeProto]:
    """Without ``allowzero``, which says nothing where the shape has no zero."""
    shape = values.get(node.input[1])
    if shape is None or (shape == 0).any():
        raise ExportError("this network reshapes to a computed shape, which opsets below 18 may read otherwise")
    yield helper.make_node("Reshape", node.input, node.output, name=node.name)


def _lower_reduce_mean(node: NodeProto, values: Mapping[str, NDArray[np.generic]]) -> Iterable[NodeProto]:
    """With its axes as an attribute instead of an input."""
    axes = _axes(node, values)
    keep = _attribute(node, "keepdims", default=1)
    yield helper.make_node("ReduceMean", node.input[:1], node.output, name=node.name, axes=axes, keepdims=keep)


def _lower_pad(node: NodeProto, values: Mapping[str, NDArray[np.generic]]) -> Iterable[NodeProto]:
    """As it is, unless it names axes."""
    if len(node.input) > 3:
        raise ExportError("this network pads chosen axes, which opsets below 18 cannot; ask for 18")
    yield node


_Lower = Callable[[NodeProto, Mapping[str, NDArray[np.generic]]], Iterable[NodeProto]]

_LOWER: Final[Mapping[str, _Lower]] = MappingProxyType(
    {
        "HardSwish": _lower_hard_swish,
        "Pad": _lower_pad,
        "ReduceMean": _lower_reduce_mean,
        "Reshape": _lower_reshape,
    }
)


def _is_spatial_mean(node: NodeProto, values: Mapping[str, NDArray[np.generic]]) -> bool:
    axes = {axis % 4 for axis in _axes(node, values)}
    return axes == {2, 3} and _attribute(node, "keepdims", default=1) == 1


def _axes(node: NodeProto, values: Mapping[str, NDArray[np.generic]]) -> list[int]:
    axes = values.get(node.input[1]) if len(node.input) > 1 else None
    return [] if axes is None else [int(axis) for axis in axes.ravel()]


def _attribute(node: NodeProto, name: str, *, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), default)


def _constants(model: ModelProto) -> dict[str, NDArray[np.generic]]:
    """The small integer constants, which hold axes and shapes."""
    return {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.INT64
    }


def _ranks(model: ModelProto) -> dict[str, int]:
    described = [*model.graph.input, *model.graph.value_info, *model.graph.output]
    return {value.name: len(value.type.tensor_type.shape.dim) for value in described}


def _drop_unused_constants_(model: ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
