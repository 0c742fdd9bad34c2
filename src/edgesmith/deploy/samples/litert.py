"""Classify pictures with LiteRT; needs ai-edge-litert, numpy and pillow, nothing else.

    python sample_litert.py picture.jpg [more.jpg ...]

Do the same steps in another language: a different resize alone can cost a point of accuracy.
"""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgesmith.deploy.samples.picture import HERE, MODEL


def open_model() -> Interpreter:
    """Step 6: open the file, which lies beside this one."""
    interpreter = Interpreter(model_path=str(HERE / MODEL))
    interpreter.allocate_tensors()
    return interpreter


def run(interpreter: Interpreter, images: np.ndarray) -> np.ndarray:
    """Step 7: run it; a row of logits for each picture.

    Where the file takes or gives integers, its scale says what they stand for: (stored - zero_point) * scale.
    """
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    if scale:
        limits = np.iinfo(source["dtype"])
        images = np.clip(np.round(images / scale) + zero_point, limits.min, limits.max).astype(source["dtype"])
    interpreter.set_tensor(source["index"], images)
    interpreter.invoke()
    logits = interpreter.get_tensor(target["index"])
    scale, zero_point = target["quantization"]
    return np.asarray((logits.astype(np.float32) - zero_point) * scale if scale else logits)
