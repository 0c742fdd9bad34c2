"""Where an int8 ONNX file goes astray: each part's answer beside the float file's, on the same pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.deploy.operator_names import is_of_part
from edgesmith.deploy.quantize.base import PartNoise

_STEPS: Final = frozenset({"QuantizeLinear", "DequantizeLinear"})


def compare_parts(
    float_file: Path, int8_file: Path, parts: Sequence[str], images: NDArray[Any]
) -> tuple[PartNoise, ...]:
    """Signal over noise of each part's answer.

    Args:
        float_file: The file that was quantized.
        int8_file: What came out, with QuantizeLinear pairs.
        parts: Such as ``blocks.3``, in the network's order; those without operators are left out.
        images: What both files take, ``(N, ...)``.
    """
    import onnx

    models = [onnx.load(path) for path in (float_file, int8_file)]
    ends = [_ends(model, parts) for model in models]
    shared = [part for part in parts if all(part in found for found in ends)]
    answers = [_run(model, [found[part] for part in shared], images) for model, found in zip(models, ends, strict=True)]
    return tuple(
        PartNoise(part=part, db=_db(expected, actual)) for part, expected, actual in zip(shared, *answers, strict=True)
    )


def _ends(model: Any, parts: Sequence[str]) -> Mapping[str, str]:
    """The last result of each part, after its step if it has one."""
    read_back = _read_back(model)
    ends: dict[str, str] = {}
    for node in model.graph.node:
        for part in parts:
            if node.op_type not in _STEPS and is_of_part(node.name, part):
                ends[part] = read_back.get(node.output[0], node.output[0])
    return ends


def _read_back(model: Any) -> Mapping[str, str]:
    """What a result is called once it was quantized and read back."""
    steps = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    reads = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    return {name: reads[step] for name, step in steps.items() if step in reads}


def _run(model: Any, names: Sequence[str], images: NDArray[Any]) -> list[NDArray[np.float32]]:
    """The named results for all pictures, one by one."""
    import onnxruntime
    from onnx import TensorProto, helper

    del model.graph.output[:]
    for name in dict.fromkeys(names):
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name
    rows = [session.run(list(names), {given: image[None]}) for image in images]
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def _db(expected: NDArray[np.float32], actual: NDArray[np.float32]) -> float:
    """Of parts that are equal to the bit, 120: what float32 can tell apart."""
    signal = float(np.square(expected, dtype=np.float64).sum())
    noise = float(np.square(actual.astype(np.float64) - expected).sum())
    return 120.0 if noise <= signal * 1e-12 else 10 * float(np.log10(signal / noise)) if signal else -120.0
