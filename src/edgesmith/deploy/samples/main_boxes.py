"""The end that the Python samples of detectors share: pictures from the command line, boxes to the screen."""

import sys

import numpy as np

from edgesmith.deploy.samples.onnxruntime import open_model, run
from edgesmith.deploy.samples.picture import HERE, load_picture, prepare

LEAST_SCORE = 0.5
MOST_OVERLAP = 0.55


def suppress(boxes: np.ndarray) -> list[int]:
    """Step 8: of boxes of one class, the best first, those that no better one overlaps too much."""
    kept: list[int] = []
    for place, (left, top, right, bottom) in enumerate(boxes):
        overlaps = False
        for other in kept:
            width = min(right, boxes[other][2]) - max(left, boxes[other][0])
            height = min(bottom, boxes[other][3]) - max(top, boxes[other][1])
            shared = max(0.0, width) * max(0.0, height)
            other_area = (boxes[other][2] - boxes[other][0]) * (boxes[other][3] - boxes[other][1])
            union = (right - left) * (bottom - top) + other_area - shared
            overlaps = overlaps or (union > 0 and shared / union > MOST_OVERLAP)
        if not overlaps:
            kept.append(place)
    return kept


def main() -> None:
    """Step 9: for each class take what is sure enough, suppress, and print corners in pixels of the picture."""
    classes = (HERE / "classes.txt").read_text(encoding="utf-8").split("\n")
    model = open_model()
    for path in sys.argv[1:]:
        picture = load_picture(path)
        answers = run(model, prepare(path))[0].astype(np.float32)
        corners, scores = answers[:, :4], answers[:, 5:]  # the fifth is the background
        print(path)
        for index, name in enumerate(classes[: scores.shape[1]]):
            places = np.flatnonzero(scores[:, index] >= LEAST_SCORE)
            places = places[np.argsort(-scores[places, index], kind="stable")]
            for place in places[suppress(corners[places])]:
                left, top, right, bottom = corners[place] * (picture.size * 2)
                print(f"  {scores[place, index]:.4f}  {name}  {left:.1f} {top:.1f} {right:.1f} {bottom:.1f}")


if __name__ == "__main__":
    main()
