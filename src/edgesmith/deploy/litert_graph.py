"""Edits on a LiteRT file: plain names for its input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

INPUT_NAME: Final = b"images"
OUTPUT_NAME: Final = b"logits"

_IDENTIFIER: Final = b"TFL3"


def rename_(path: Path) -> None:
    """Call the file's only input ``images`` and its only output ``logits``, in the graph and in its signature."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
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
