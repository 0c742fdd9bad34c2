"""How long `edgesmith check` takes on many pictures.

    python benchmarks/check_speed.py flowers.zip --count 100000 --out check_speed.jsonl

The pictures are parts of a set's own, cut at random, brought to one size and saved as JPEG, so that no two of them are
alike; nine in ten are in train. What is timed is the whole command, reading from disk included. One line of the output
file a call.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from PIL import Image
from rows import read_commit

from edgesmith.core.files import append_line
from edgesmith.data import dataset as datasets

SIDES: Final = (0.3, 0.7)  # of a part, as shares of the picture's
QUALITY: Final = 90
PROCESSES: Final = 2


def main() -> None:
    options = parse_options()
    folder = options.work / f"{options.data.stem}-{options.count}-{options.width}x{options.height}"
    if not (folder / "done").is_file():
        dataset = datasets.open(options.data)
        every = [
            (datasets.read_file(dataset.source, sample.name), dataset.classes[sample.label])
            for sample in dataset.samples("train")
        ]
        with ProcessPoolExecutor(PROCESSES) as pool:
            write = partial(write_part, folder / "set", (options.width, options.height))
            numbers = range(options.count)
            list(pool.map(write, numbers, (every[number % len(every)] for number in numbers), chunksize=200))
        (folder / "done").touch()
    begun = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-m", "edgesmith", "check", str(folder / "set"), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    seconds = time.monotonic() - begun
    report = json.loads(found.stdout)
    row = {
        "commit": read_commit(),
        "pictures": report["num_images"],
        "size": f"{options.width}x{options.height}",
        "problems": len(report["problems"]),
        "seconds": seconds,
    }
    append_line(options.out, json.dumps(row))
    print(f"{row['pictures']} pictures of {row['size']} pixels in {seconds:.0f} s, {row['problems']} remarks")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a check of many pictures.")
    parser.add_argument("data", type=Path, help="classified pictures that the many are cut from")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--height", type=int, default=240)
    parser.add_argument("--work", type=Path, default=Path("runs/check-speed"))
    parser.add_argument("--out", type=Path, default=Path("check_speed.jsonl"))
    return parser.parse_args()


def write_part(folder: Path, size: tuple[int, int], number: int, one: tuple[bytes, str]) -> None:
    """A part of a picture, chosen by its number."""
    content, label = one
    draw = random.Random(number)
    split = "val" if number % 10 == 0 else "train"
    path = folder / split / label / f"{number:06d}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(content)) as picture:
        width, height = (round(side * draw.uniform(*SIDES)) for side in picture.size)
        left, top = draw.randrange(picture.width - width), draw.randrange(picture.height - height)
        part = picture.convert("RGB").resize(size, box=(left, top, left + width, top + height))
    part.save(path, quality=QUALITY)


if __name__ == "__main__":
    main()
