"""The end that the Python samples of segmenters share: pictures from the command line, masks into files beside them."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from edgesmith.deploy.samples.onnxruntime import open_model, run
from edgesmith.deploy.samples.picture import HERE, load_picture, prepare


def main() -> None:
    """Step 8: resize the logits to the picture, take the best class of each pixel, write NAME_mask.png."""
    classes = (HERE / "classes.txt").read_text(encoding="utf-8").split("\n")
    model = open_model()
    for path in sys.argv[1:]:
        picture = load_picture(path)
        logits = run(model, prepare(path))[0].astype(np.float32)
        planes = [Image.fromarray(plane).resize(picture.size, Image.Resampling.BILINEAR) for plane in logits]
        mask = np.argmax(np.stack([np.asarray(plane) for plane in planes]), axis=0).astype(np.uint8)
        Image.fromarray(mask).save(Path(path).with_name(f"{Path(path).stem}_mask.png"))
        print(path)
        counts = np.bincount(mask.reshape(-1), minlength=len(classes))
        for index in np.argsort(-counts, kind="stable")[:5]:
            print(f"  {counts[index] / mask.size:.7f}  {classes[index]}")


if __name__ == "__main__":
    main()
