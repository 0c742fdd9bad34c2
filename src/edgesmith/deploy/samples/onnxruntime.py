"""Classify pictures with ONNX Runtime; needs onnxruntime, numpy and pillow, nothing else.

    python sample_onnxruntime.py picture.jpg [more.jpg ...]

Do the same steps in another language: a different resize alone can cost a point of accuracy.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

MODEL = "model.onnx"
HEIGHT = 224
WIDTH = 224
RESIZE_SHORT = 256
INTERPOLATION = "BILINEAR"
APPLY_ORIENTATION = True
SCALE = 0.00392156862745098
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
PREPROCESSING_INSIDE = False
BATCH = 1

HERE = Path(__file__).resolve().parent


def load_picture(path: str) -> Image.Image:
    """Step 1: decode, turn upright as the EXIF tag asks, lay transparency on white, convert to RGB."""
    picture: Image.Image = Image.open(path)
    picture.load()
    if APPLY_ORIENTATION:
        picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return picture.convert("RGB")


def crop_picture(picture: Image.Image) -> np.ndarray:
    """Steps 2 and 3: resize the short side with an antialiasing filter, then cut out the middle."""
    short, long = min(picture.size), max(picture.size)
    resized_long = RESIZE_SHORT * long // short
    portrait = picture.width <= picture.height
    size = (RESIZE_SHORT, resized_long) if portrait else (resized_long, RESIZE_SHORT)
    picture = picture.resize(size, Image.Resampling[INTERPOLATION])
    left, top = round((picture.width - WIDTH) / 2), round((picture.height - HEIGHT) / 2)
    return np.array(picture.crop((left, top, left + WIDTH, top + HEIGHT)), dtype=np.uint8)


def normalize(pixels: np.ndarray) -> np.ndarray:
    """Step 4: (value * scale - mean) / std per channel, colours first; 0..255 goes in, never 0..1."""
    mean, std = np.array(MEAN), np.array(STD)
    factor, offset = (SCALE / std).astype(np.float32), (-mean / std).astype(np.float32)
    return np.transpose(pixels.astype(np.float32) * factor + offset, (2, 0, 1))


def classify(session: onnxruntime.InferenceSession, path: str) -> np.ndarray:
    """Step 5: run the file and turn its logits into probabilities."""
    pixels = crop_picture(load_picture(path))
    images = np.stack([pixels if PREPROCESSING_INSIDE else normalize(pixels)] * BATCH)
    logits = session.run(["logits"], {"images": np.ascontiguousarray(images)})[0][0].astype(np.float64)
    exponentials = np.exp(logits - logits.max())
    return np.asarray(exponentials / exponentials.sum())


def main() -> None:
    """Print the five best classes of each picture."""
    classes = (HERE / "classes.txt").read_text(encoding="utf-8").split("\n")
    session = onnxruntime.InferenceSession(str(HERE / MODEL), providers=["CPUExecutionProvider"])
    for path in sys.argv[1:]:
        probabilities = classify(session, path)
        print(path)
        for index in np.argsort(-probabilities, kind="stable")[:5]:
            print(f"  {probabilities[index]:.7f}  {classes[index]}")


if __name__ == "__main__":
    main()
