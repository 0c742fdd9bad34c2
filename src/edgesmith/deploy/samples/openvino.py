"""Classify pictures with OpenVINO; needs openvino, numpy and pillow, nothing else.

    python sample_openvino.py picture.jpg [more.jpg ...]

Do the same steps in another language: a different resize alone can cost a point of accuracy.
"""

import numpy as np
import openvino

from edgesmith.deploy.samples.picture import HERE, MODEL


def open_model() -> openvino.CompiledModel:
    """Step 6: open the file, which lies beside this one.

    OpenVINO's own choice is bfloat16 where the processor has it, which moves logits by a per cent; hence the hint.
    """
    return openvino.Core().compile_model(str(HERE / MODEL), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def run(model: openvino.CompiledModel, images: np.ndarray) -> np.ndarray:
    """Step 7: run it; a row of logits for each picture."""
    return np.asarray(model(images)[0])
