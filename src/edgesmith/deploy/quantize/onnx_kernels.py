"""Whether this machine's integer kernels compute what an int8 ONNX file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edgesmith.deploy.parity import Parity
from edgesmith.deploy.steps import compare_steps, find_step
from edgesmith.runtimes.onnxruntime import OnnxRuntime


def check_kernels(path: Path, images: NDArray[Any]) -> Parity | None:
    """Compare the integer kernels with the file's own arithmetic, which ONNX Runtime does in float if told to.

    On x86 without VNNI two products of eight bits do not fit into the sixteen that they are added in; the answers of
    such a file are then off by far more than rounding.

    Args:
        path: With QuantizeLinear pairs.
        images: What it takes.

    Returns:
        Judged by steps; None where the last layer is in float and the answers have none.
    """
    settings = ort.SessionOptions()
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.intra_op_num_threads = 1
    settings.log_severity_level = 3
    plain = ort.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    name = plain.get_inputs()[0].name
    expected = np.concatenate([plain.run(None, {name: image[None]})[0] for image in images])
    loaded = OnnxRuntime().load(path)
    actual = np.concatenate([loaded.run(image[None]) for image in images])
    return None if find_step(expected) is None else compare_steps(actual, expected)
