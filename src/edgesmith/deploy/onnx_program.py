"""The torch side of an ONNX export: a module's graph with its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from edgesmith.core.errors import ExportError
from edgesmith.deploy.converting import converting

INPUT_NAME: Final = "images"
OUTPUT_NAME: Final = "logits"

# Below this opset torch's exporter writes nothing itself; `onnx_graph` lowers what it writes at this one.
TORCH_LOWEST_OPSET: Final = 18


def trace(module: nn.Module, example: NDArray[np.generic], *, opset: int, dynamic: bool) -> onnx.ModelProto:
    """The module's graph with its weights.

    Args:
        module: As `edgesmith.deploy.prepare.prepare` gives it.
        example: A batch of pictures; of at least 2 if ``dynamic``, because torch takes a 1 for a constant.
        opset: The opset that is wanted; below 18 the graph still comes at 18.
        dynamic: Leave the batch size open.

    Raises:
        ExportError: torch cannot express the module.
    """
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    with converting("onnx"), torch.no_grad(), _functions_read_once():
        program = torch.onnx.export(
            module,
            (torch.from_numpy(example),),
            dynamo=True,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            opset_version=max(opset, TORCH_LOWEST_OPSET),
            dynamic_shapes=shapes,
            verbose=False,
        )
    if program is None:
        raise ExportError("torch's ONNX exporter gave no graph")
    return program.model_proto


@contextmanager
def _functions_read_once() -> Iterator[None]:
    """For each export torch reads the source of its 500 ONNX functions anew, half of the time that a small net takes.

    They do not change while the process runs, so what was read is kept. Where torch moves them it goes on reading.
    """
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry
    except ImportError:
        yield
        return
    name = "from_torchlib"
    theirs = vars(ONNXRegistry)[name]
    setattr(ONNXRegistry, name, staticmethod(_kept(getattr(ONNXRegistry, name))))
    try:
        yield
    finally:
        setattr(ONNXRegistry, name, theirs)


@cache
def _kept(read: Callable[..., Any]) -> Callable[..., Any]:
    return cache(read)
