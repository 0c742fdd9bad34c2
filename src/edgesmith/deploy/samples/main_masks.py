"""The end that the Python samples of segmenters share: pictures from the command line, masks into files beside them."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from edgesmith.deploy.samples.onnxruntime import open_model, run
from edgesmith.deploy.samples.picture import HEIGHT, HERE, WIDTH, load_picture, prepare

RESIZE_LEFT = ""


def shares(old: int, new: int) -> np.ndarray:
    """What each of ``new`` places takes of ``old`` ones, bilinearly, with corners aligned or half a pixel in."""
    places = np.arange(new) * ((old - 1) / max(new - 1, 1))
    if RESIZE_LEFT == "half":
        places = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    first = np.minimum(places.astype(int), max(old - 2, 0))
    taken = np.zeros((new, old), np.float32)
    taken[np.arange(new), first] = 1 - (places - first)
    if old > 1:
        taken[np.arange(new), first + 1] = places - first
    return taken


def enlarge(logits: np.ndarray) -> np.ndarray:
    """Step 8: to the size of the model's input, where the file leaves that to others."""
    if not RESIZE_LEFT:
        return logits
    return np.asarray(shares(logits.shape[1], HEIGHT) @ logits @ shares(logits.shape[2], WIDTH).T, dtype=np.float32)


def main() -> None:
    """Step 9: resize the logits to the picture, take the best class of each pixel, write NAME_mask.png."""
    classes = (HERE / "classes.txt").read_text(encoding="utf-8").split("\n")
    model = open_model()
    for path in sys.argv[1:]:
        picture = load_picture(path)
        logits = enlarge(run(model, prepare(path))[0].astype(np.float32))
        planes = [Image.fromarray(plane).resize(picture.size, Image.Resampling.BILINEAR) for plane in logits]
        mask = np.argmax(np.stack([np.asarray(plane) for plane in planes]), axis=0).astype(np.uint8)
        Image.fromarray(mask).save(Path(path).with_name(f"{Path(path).stem}_mask.png"))
        print(path)
        counts = np.bincount(mask.reshape(-1), minlength=len(classes))
        for index in np.argsort(-counts, kind="stable")[:5]:
            print(f"  {counts[index] / mask.size:.7f}  {classes[index]}")


if __name__ == "__main__":
    main()
