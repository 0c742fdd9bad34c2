"""The end of the Python samples of detectors that suppress overlaps themselves: boxes to the screen."""

import sys

from edgesmith.deploy.samples.onnxruntime import open_model, run
from edgesmith.deploy.samples.picture import HERE, load_picture, prepare

LEAST_SCORE = 0.5


def main() -> None:
    """Step 8: each row is a box, the surest first: corners as shares of the picture, score, class."""
    classes = (HERE / "classes.txt").read_text(encoding="utf-8").split("\n")
    model = open_model()
    for path in sys.argv[1:]:
        picture = load_picture(path)
        print(path)
        for row in run(model, prepare(path)):
            if row[4] >= LEAST_SCORE:
                left, top, right, bottom = row[:4] * (picture.size * 2)
                print(f"  {row[4]:.4f}  {classes[int(row[5])]}  {left:.1f} {top:.1f} {right:.1f} {bottom:.1f}")


if __name__ == "__main__":
    main()
