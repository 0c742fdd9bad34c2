"""From a picture file to what the model reads: the steps that all Python samples share, and their numbers."""

from pathlib import Path

import numpy as np
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
LAYOUT = "NCHW"
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
    """Steps 2 and 3: resize the short side with an antialiasing filter, then cut out the middle; 0 takes all of it."""
    if not RESIZE_SHORT:
        return np.array(picture.resize((WIDTH, HEIGHT), Image.Resampling[INTERPOLATION]), dtype=np.uint8)
    short, long = min(picture.size), max(picture.size)
    resized_long = RESIZE_SHORT * long // short
    portrait = picture.width <= picture.height
    size = (RESIZE_SHORT, resized_long) if portrait else (resized_long, RESIZE_SHORT)
    picture = picture.resize(size, Image.Resampling[INTERPOLATION])
    left, top = round((picture.width - WIDTH) / 2), round((picture.height - HEIGHT) / 2)
    return np.array(picture.crop((left, top, left + WIDTH, top + HEIGHT)), dtype=np.uint8)


def normalize(pixels: np.ndarray) -> np.ndarray:
    """Step 4: (value * scale - mean) / std per channel; 0..255 goes in, never 0..1."""
    mean, std = np.array(MEAN), np.array(STD)
    factor, offset = (SCALE / std).astype(np.float32), (-mean / std).astype(np.float32)
    return np.asarray(pixels.astype(np.float32) * factor + offset)


def prepare(path: str) -> np.ndarray:
    """Step 5: colours first or last, and the picture as often as the file takes pictures in one run."""
    pixels = crop_picture(load_picture(path))
    picture = pixels if PREPROCESSING_INSIDE else normalize(pixels)
    if LAYOUT == "NCHW":
        picture = np.transpose(picture, (2, 0, 1))
    return np.ascontiguousarray(np.stack([picture] * BATCH))
