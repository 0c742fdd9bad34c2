"""The torch side of an ONNX export: an export-ready copy of a module, and its graph."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgesmith.core.errors import ExportError
from edgesmith.data.preprocessing import Preprocessing

INPUT_NAME: Final = "images"
OUTPUT_NAME: Final = "logits"

# Below this opset torch's exporter writes nothing itself; `onnx_graph` lowers what it writes at this one.
TORCH_LOWEST_OPSET: Final = 18

_LOUD: Final = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


class PixelInput(nn.Module):
    """Scales pictures in front of a network, with the arithmetic of `Preprocessing.normalize`.

    Shape: ``(N, H, W, 3)`` uint8 -> whatever the network gives for ``(N, 3, H, W)``.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, net: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.net = net
        factor, offset = preprocessing.affine()
        self.register_buffer("factor", torch.from_numpy(factor).view(1, 3, 1, 1))
        self.register_buffer("offset", torch.from_numpy(offset).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Scale, move the colours first, and run the network."""
        pixels = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        answers: Tensor = self.net(pixels * self.factor + self.offset)
        return answers


def prepare(module: nn.Module, *, preprocessing: Preprocessing | None) -> nn.Module:
    """A float32 copy on the CPU, ready for `trace`, with the scaling in front if asked for.

    Its layers do not work in place: torch decomposes each such activation over symbolic sizes, which doubles the
    time of an export. Its weights are contiguous: out of channels-last means the exporter makes gathers.
    """
    net = copy.deepcopy(module).to(device="cpu", dtype=torch.float32)
    net = net.to(memory_format=torch.contiguous_format)
    for part in net.modules():
        if hasattr(part, "inplace"):
            setattr(part, "inplace", False)  # noqa: B010 - a plain assignment is not typed for modules
    return (net if preprocessing is None else PixelInput(net, preprocessing)).eval()


def trace(module: nn.Module, example: NDArray[np.generic], *, opset: int, dynamic: bool) -> onnx.ModelProto:
    """The module's graph with its weights.

    Args:
        module: As `prepare` gives it.
        example: A batch of pictures; of at least 2 if ``dynamic``, because torch takes a 1 for a constant.
        opset: The opset that is wanted; below 18 the graph still comes at 18.
        dynamic: Leave the batch size open.

    Raises:
        ExportError: torch cannot express the module.
    """
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    try:
        with _quiet(), torch.no_grad():
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
    except Exception as error:  # torch.export and each of its passes raise what they like
        raise ExportError(f"torch cannot export this module to ONNX: {_reason(error)}") from error
    if program is None:
        raise ExportError("torch's ONNX exporter gave no graph")
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks from the terminal; what matters is checked on the file."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
