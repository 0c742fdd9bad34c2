"""`edgesmith train` beside torchvision's and timm's own training scripts, on the same pictures of a classified set.

    python benchmarks/train_peers.py speed flowers.zip --torchvision TRAIN.PY --timm TRAIN.PY
    python benchmarks/train_peers.py accuracy flowers.zip --torchvision TRAIN.PY --timm TRAIN.PY --time 12m

``speed``: training pictures a second, all sides in turn, each with crops and flips alone and at the same resolution. A
side is run for one epoch and for several, and the difference counts: neither start nor scoring does. ``random`` is
edgesmith's step on batches that are there already.

``accuracy``: top-1 on the test split, or on val where there is none, for the same wall time. A script's epochs are
chosen so that its training fills the time; its start and its scoring are not counted against it, while those of
edgesmith are.

Rows are appended to ``--out``; run again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from arms import spread
from marked import markdown
from peers.random_batches import steps_per_s
from peers.scripts import SCRIPTS, Script
from rows import find_rows, read_commit

from edgesmith.core.files import append_line, read_json
from edgesmith.core.units import parse_seconds
from edgesmith.data import dataset as datasets
from edgesmith.data.dataset import Dataset

RESULTS: Final = Path(__file__).parent / "results" / "train_peers.jsonl"
OURS: Final = "edgesmith"
RANDOM: Final = "random"
WORKERS: Final = 2
EPOCHS: Final = 6  # of a long run for speed; the short one has 1


def main() -> None:
    options = parse_options()
    dataset = datasets.open(options.data)
    folder = unpack(dataset, options.work / "pictures" / options.data.stem)
    work = {"speed": speed, "accuracy": accuracy}[options.what]
    key = {"what": options.what, "data": options.data.stem, "side": options.side, "batch": options.batch}
    work(options, dataset, folder, key)
    print("\n".join(table(find_rows(options.out, key), options.what)))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Set a training beside those of two public scripts.")
    parser.add_argument("what", choices=["speed", "accuracy"])
    parser.add_argument("data", type=Path, help="pictures with classes and the splits train and test or val")
    parser.add_argument("--torchvision", type=Path, required=True, help="references/classification/train.py")
    parser.add_argument("--timm", type=Path, required=True, help="train.py of pytorch-image-models")
    parser.add_argument("--side", type=int, default=128, help="resolution in pixels")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3, help="of accuracy")
    parser.add_argument("--rounds", type=int, default=5, help="of speed")
    parser.add_argument("--time", default="12m", help="of a training for accuracy")
    parser.add_argument("--work", type=Path, default=Path("runs/train-peers"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def unpack(dataset: Dataset, folder: Path) -> Path:
    """Pictures as files, as the scripts read them: ``train``; ``val``, which is scored; ``few``, one of each class."""
    done = folder / "done"
    if done.is_file():
        return folder
    test = dataset.samples(dataset.evaluation_split())
    firsts = {sample.label: sample for sample in test}
    for name, samples in (("train", dataset.samples("train")), ("val", test), ("few", firsts.values())):
        for number, sample in enumerate(samples):
            path = folder / name / dataset.classes[sample.label] / f"{number:05d}{Path(sample.name).suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(datasets.read_file(dataset.source, sample.name))
    done.touch()
    return folder


def speed(options: argparse.Namespace, dataset: Dataset, folder: Path, key: Mapping[str, Any]) -> None:
    """Rows of all sides in turn."""
    few = folder.with_name(folder.name + "-few")
    if not few.exists():
        few.mkdir()
        (few / "train").symlink_to((folder / "train").resolve())
        (few / "val").symlink_to((folder / "few").resolve())
    pictures = len(dataset.samples("train"))
    sides: dict[str, Callable[[], float]] = {
        OURS: lambda: our_speed(options, few, pictures),
        RANDOM: lambda: options.batch * steps_per_s(options.side, options.batch, len(dataset.classes)),
        "torchvision": lambda: their_speed("torchvision", options, dataset, few, pictures),
        "timm": lambda: their_speed("timm", options, dataset, few, pictures),
    }
    for number in range(options.rounds):
        for side, measure in sides.items():
            row = {**key, "commit": read_commit(), "round": number, "arm": side}
            if not find_rows(options.out, row):
                append_line(options.out, json.dumps(row | {"pictures_per_s": measure()}))


def our_speed(options: argparse.Namespace, folder: Path, pictures: int) -> float:
    """Pictures a second between a run of one epoch and one of several."""

    def seconds(epochs: int) -> float:
        out = options.work / f"ours-{epochs}"
        return wall([*our_command(options, folder, out), *set_all(our_plain(pictures * epochs))])

    return pictures * (EPOCHS - 1) / (seconds(EPOCHS) - seconds(1))


def our_plain(pictures: int) -> dict[str, object]:
    """Settings for crops and flips alone, at one resolution."""
    return {
        "pictures": pictures,
        "resolution_steps": "1.0",
        "augment.policy": "none",
        "augment.scale": "0.08,1.0",
    }


def their_speed(name: str, options: argparse.Namespace, dataset: Dataset, folder: Path, pictures: int) -> float:
    """As `our_speed`."""

    def seconds(epochs: int) -> float:
        command, _ = SCRIPTS[name]
        return wall(command(script_of(name, options, dataset, folder, epochs=epochs, seed=0, augment=False)))

    return pictures * (EPOCHS - 1) / (seconds(EPOCHS) - seconds(1))


def accuracy(options: argparse.Namespace, dataset: Dataset, folder: Path, key: Mapping[str, Any]) -> None:
    """Rows of all sides, seed by seed."""
    for seed in range(options.seeds):
        for arm in (OURS, *SCRIPTS):
            row = {**key, "time": options.time, "seed": seed, "arm": arm}
            if find_rows(options.out, row):
                continue
            found = (
                our_accuracy(options, seed) if arm == OURS else their_accuracy(arm, options, dataset, folder, key, seed)
            )
            append_line(options.out, json.dumps(row | {"commit": read_commit()} | found))


def our_accuracy(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    out = options.work / f"{options.data.stem}-{OURS}-{seed}"
    seconds = wall([*our_command(options, options.data, out), "--time", options.time, "--seed", str(seed)])
    result = read_json(out / "result.json")
    return {"seconds": seconds, "top1": result["metrics"]["top1"], "pictures": result["pictures"]}


def their_accuracy(
    name: str, options: argparse.Namespace, dataset: Dataset, folder: Path, key: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    pictures = len(dataset.samples("train"))
    rate = their_rate(name, options, dataset, folder, key, pictures)
    epochs = math.ceil(parse_seconds(options.time) * rate / pictures)
    command, score = SCRIPTS[name]
    begun = time.monotonic()
    printed = run(command(script_of(name, options, dataset, folder, epochs=epochs, seed=seed, augment=True)))
    return {
        "seconds": time.monotonic() - begun,
        "top1": score(printed),
        "pictures": epochs * pictures,
        "train_pictures_per_s": rate,
    }


def their_rate(
    name: str, options: argparse.Namespace, dataset: Dataset, folder: Path, key: Mapping[str, Any], pictures: int
) -> float:
    """Pictures a second of a script under its recipe, from two short runs; measured once."""
    row = {**key, "what": "rate", "arm": name}
    found = find_rows(options.out, row)
    if found:
        return float(found[-1]["pictures_per_s"])
    command, _ = SCRIPTS[name]
    few = folder.with_name(folder.name + "-few")
    times = [
        wall(command(script_of(name, options, dataset, few, epochs=epochs, seed=0, augment=True))) for epochs in (1, 3)
    ]
    rate = 2 * pictures / (times[1] - times[0])
    append_line(options.out, json.dumps(row | {"commit": read_commit(), "pictures_per_s": rate}))
    return rate


def script_of(
    name: str, options: argparse.Namespace, dataset: Dataset, folder: Path, *, epochs: int, seed: int, augment: bool
) -> Script:
    return Script(
        path={"torchvision": options.torchvision, "timm": options.timm}[name],
        data=folder,
        side=options.side,
        batch_size=options.batch,
        workers=WORKERS,
        epochs=epochs,
        classes=len(dataset.classes),
        seed=seed,
        out=options.work / f"{name}-out",
        augment=augment,
    )


def our_command(options: argparse.Namespace, data: Path, out: Path) -> list[str]:
    model = f"mobilenet_v3_small@resolution={options.side}"
    words = [sys.executable, "-m", "edgesmith", "train", model, str(data), "--weights", "none", "--recipe", "small"]
    return [*words, "--out", str(out), "--overwrite", *set_all({"batch_size": options.batch})]


def set_all(settings: Mapping[str, object]) -> list[str]:
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


def wall(command: list[str]) -> float:
    """Seconds of a process."""
    begun = time.monotonic()
    run(command)
    return time.monotonic() - begun


def run(command: list[str]) -> str:
    """What a process prints; it must succeed."""
    process = subprocess.run(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ), check=False
    )
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{process.stdout[-2000:]}")
    return process.stdout


def table(rows: list[dict[str, Any]], what: str) -> list[str]:
    """A table of the arms; for speed with edgesmith's ratio to each, taken round by round."""
    arms = dict.fromkeys(row["arm"] for row in rows)
    if what == "accuracy":
        scores = {arm: [100 * row["top1"] for row in rows if row["arm"] == arm] for arm in arms}
        return markdown(
            ["", "top-1, %", "seeds"], [[arm, spread(each, ".1f"), str(len(each))] for arm, each in scores.items()]
        )
    speeds = {arm: {row["round"]: row["pictures_per_s"] for row in rows if row["arm"] == arm} for arm in arms}
    lines = []
    for arm, each in speeds.items():
        ratios = [speeds[OURS][number] / value for number, value in each.items() if number in speeds[OURS]]
        lines.append([arm, f"{np.mean(list(each.values())):.0f}", spread(ratios, ".2f")])
    return markdown(["", "pictures/s", "edgesmith's speed to it"], lines)


if __name__ == "__main__":
    main()
