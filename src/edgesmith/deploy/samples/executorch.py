"""Classify pictures with ExecuTorch; needs executorch, torch, numpy and pillow, nothing else.

    python sample_executorch.py picture.jpg [more.jpg ...]

Do the same steps in another language: a different resize alone can cost a point of accuracy.
"""

import numpy as np
import torch
from executorch.runtime import Program, Runtime

from edgesmith.deploy.samples.picture import HERE, MODEL


def open_model() -> Program:
    """Step 6: open the file, which lies beside this one."""
    return Runtime.get().load_program(HERE / MODEL)


def run(program: Program, images: np.ndarray) -> np.ndarray:
    """Step 7: run it; a row of logits for each picture. The program loads its method once and keeps it."""
    logits = program.load_method("forward").execute([torch.from_numpy(images)])[0]
    return np.array(logits.numpy())
