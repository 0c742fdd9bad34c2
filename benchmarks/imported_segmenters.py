"""LR-ASPP from LiteRT files against the files themselves, on CamVid's streets, which they were not trained on.

    python benchmarks/imported_segmenters.py FOLDER_OF_TFLITE_FILES CAMVID

Every fourth frame of val, rows 70 to 310, enlarged to the files' 1025x513 pixels; pixels without a class do not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from edgesmith.core.extras import require
from edgesmith.nn.build import build
from edgesmith.weights.imported import Imported
from edgesmith.weights.ranges import emulate_ranges
from edgesmith.weights.sources.litert import read_litert
from edgesmith.weights.state import load_state

FILES: Final = ("lraspp_mnv3_small_drive5_float.tflite", "lraspp_mnv3_small_drive5_uint8.tflite")
PAIRS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({"road": (1, 3), "car": (4, 8), "pedestrian": (3, 9)})
_UNKNOWN: Final = 11
_SIZE: Final = (1025, 513)
_PART: Final = (0, 70, 480, 310)

Pixels = NDArray[np.uint8]
Mask = NDArray[np.integer[Any]]
Segment = Callable[[Pixels], Mask]


def frames_of(camvid: Path, change: Callable[[Image.Image], Image.Image] | None = None) -> list[tuple[Pixels, Mask]]:
    """Enlarged parts of every fourth frame of val, which may be changed first, and their classes."""
    found = []
    for path in sorted((camvid / "val" / "images").glob("*.jpg"))[::4]:
        with Image.open(path) as image, Image.open(camvid / "val" / "masks" / f"{path.stem}.png") as mask:
            whole = image.convert("RGB")
            part = (whole if change is None else change(whole)).crop(_PART).resize(_SIZE, Image.Resampling.BILINEAR)
            found.append((np.asarray(part), np.asarray(mask.crop(_PART).resize(_SIZE, Image.Resampling.NEAREST))))
    return found


def litert(path: Path) -> Segment:
    """The file itself, by LiteRT's own kernels: XNNPACK has none for these integers."""
    interpreter = require("ai_edge_litert.interpreter", extra="litert")
    kernels = interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    opened = interpreter.Interpreter(str(path), num_threads=1, experimental_op_resolver_type=kernels)
    opened.allocate_tensors()
    takes, gives = opened.get_input_details()[0], opened.get_output_details()[0]

    def run(pixels: Pixels) -> Mask:
        images = pixels if takes["dtype"] is np.uint8 else pixels.astype(np.float32) / 127.5 - 1
        opened.set_tensor(takes["index"], images[None])
        opened.invoke()
        return np.asarray(opened.get_tensor(gives["index"])[0])

    return run


def imported_net(imported: Imported, *, emulated: bool) -> Segment:
    """The imported network in PyTorch, its activations held in the file's ranges or not."""
    net = build(imported.spec)
    load_state(net, imported.state)
    held = emulate_ranges(net, imported.ranges or {}) if emulated else net.eval()

    def run(pixels: Pixels) -> Mask:
        images = torch.from_numpy(imported.preprocessing.normalize(pixels)[None])
        with torch.inference_mode():
            return np.asarray(held(images)[0].argmax(0).numpy())

    return run


def ious(masks: Sequence[Mask], truths: Sequence[Mask]) -> dict[str, float]:
    """Intersection over union of the classes that the files share with CamVid, over all frames together."""
    shared, whole = dict.fromkeys(PAIRS, 0), dict.fromkeys(PAIRS, 0)
    for answer, truth in zip(masks, truths, strict=True):
        known = truth != _UNKNOWN
        for name, (mine, its) in PAIRS.items():
            shared[name] += int(((answer == mine) & (truth == its) & known).sum())
            whole[name] += int((((answer == mine) | (truth == its)) & known).sum())
    return {name: shared[name] / whole[name] for name in PAIRS}


def agreement(masks: Sequence[Mask], others: Sequence[Mask]) -> float:
    """Share of the pixels with one class in both."""
    return float(np.mean([(mine == theirs).mean() for mine, theirs in zip(masks, others, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Score imported segmenters and their files on CamVid.")
    parser.add_argument("files", type=Path, help="folder of the .tflite files")
    parser.add_argument("camvid", type=Path, help="folder of CamVid")
    options = parser.parse_args()
    frames = frames_of(options.camvid)
    truths = [truth for _, truth in frames]
    for file in FILES:
        imported = read_litert(options.files / file)
        ways = {"LiteRT itself": litert(options.files / file), "imported": imported_net(imported, emulated=False)}
        if imported.ranges:
            ways["imported, ranges emulated"] = imported_net(imported, emulated=True)
        masks = {name: [segment(pixels) for pixels, _ in frames] for name, segment in ways.items()}
        for name, found in masks.items():
            figures = ", ".join(f"{key} {iou:.3f}" for key, iou in ious(found, truths).items())
            print(f"{file}, {name}: {figures}; agrees on {agreement(found, masks['LiteRT itself']):.2%} of the pixels")


if __name__ == "__main__":
    main()
