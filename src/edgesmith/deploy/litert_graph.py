"""Edits on a LiteRT file: plain names for its input, its output and its operators' results."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from edgesmith.deploy.operator_names import layer_of_litert, operator_name

INPUT_NAME: Final = b"images"
OUTPUT_NAME: Final = b"logits"

_IDENTIFIER: Final = b"TFL3"
_KINDS: Final = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def rename_(path: Path) -> None:
    """Call the only input ``images``, the only output ``logits``, and other results after the layer that gives them."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    for index, operator in enumerate(graph.operators):
        tensor = graph.tensors[operator.outputs[0]]
        kind = _KINDS[model.operatorCodes[operator.opcodeIndex].builtinCode]
        tensor.name = operator_name(layer_of_litert(tensor.name.decode()), f"{kind}_{index}").encode()
    for tensors, entries, name in (
        (graph.inputs, signature.inputs, INPUT_NAME),
        (graph.outputs, signature.outputs, OUTPUT_NAME),
    ):
        (tensor,), (entry,) = tensors, entries
        graph.tensors[tensor].name = name
        entry.name = name
    builder = flatbuffers.Builder(path.stat().st_size)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    path.write_bytes(bytes(builder.Output()))
