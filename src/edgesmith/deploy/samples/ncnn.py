"""Classify pictures with ncnn; needs ncnn, numpy and pillow, nothing else.

    python sample_ncnn.py picture.jpg [more.jpg ...]

Do the same steps in another language: a different resize alone can cost a point of accuracy.
"""

import sys

import ncnn
import numpy as np

from edgesmith.deploy.samples.picture import HERE, MODEL


def open_model() -> ncnn.Net:
    """Step 6: open the files, which lie beside this one; arithmetic and storage in float32."""
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    path = HERE / MODEL
    if net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin"))):
        sys.exit(f"{path} cannot be loaded")
    return net


def run(net: ncnn.Net, images: np.ndarray) -> np.ndarray:
    """Step 7: run it; a row of logits for the picture. ncnn takes one picture at a time, without the batch axis."""
    extractor = net.create_extractor()
    picture = ncnn.Mat(images[0])
    extractor.input("in0", picture)
    return np.array(extractor.extract("out0")[1])[None]
