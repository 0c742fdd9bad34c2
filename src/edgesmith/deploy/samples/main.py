"""The end that all Python samples share: pictures from the command line, class names and scores to the screen."""

import sys

import numpy as np

from edgesmith.deploy.samples.onnxruntime import open_model, run
from edgesmith.deploy.samples.picture import HERE, prepare


def main() -> None:
    """Step 8: turn the logits into probabilities, and print the five best classes of each picture."""
    classes = (HERE / "classes.txt").read_text(encoding="utf-8").split("\n")
    model = open_model()
    for path in sys.argv[1:]:
        logits = run(model, prepare(path))[0].astype(np.float64)
        exponentials = np.exp(logits - logits.max())
        probabilities = exponentials / exponentials.sum()
        print(path)
        for index in np.argsort(-probabilities, kind="stable")[:5]:
            print(f"  {probabilities[index]:.7f}  {classes[index]}")


if __name__ == "__main__":
    main()
