"""Classify pictures with ONNX Runtime; needs onnxruntime, numpy and pillow, nothing else.

    python sample_onnxruntime.py picture.jpg [more.jpg ...]

Do the same steps in another language: a different resize alone can cost a point of accuracy.
"""

import numpy as np
import onnxruntime

from edgesmith.deploy.samples.picture import HERE, MODEL


def open_model() -> onnxruntime.InferenceSession:
    """Step 6: open the file, which lies beside this one."""
    return onnxruntime.InferenceSession(str(HERE / MODEL), providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, images: np.ndarray) -> np.ndarray:
    """Step 7: run it; a row of logits for each picture."""
    return np.asarray(session.run(None, {"images": images})[0])
