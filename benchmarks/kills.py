"""Runs of `train` that are killed with signal 9 at random moments: each must go on, and end with the same bits.

    python benchmarks/kills.py flowers.zip --runs 10 --kills 4 --out kills.jsonl
    python benchmarks/kills.py camvid --runs 3 --kills 4 --resolution 64x96 --out kills.jsonl

Each run has another seed. It is first done undisturbed; then it is started, killed some time after a step that was
drawn beforehand, started again and killed again, and the weights of the two bundles are compared bit by bit.
One line of the output file a run; started again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import torch
from rows import find_rows, read_commit
from safetensors.torch import load_file

from edgesmith.core.files import append_line, read_lines

SETTINGS: Final = ("batch_size=8", "replicas=1", "workers=1", "checkpoint_every_seconds=0.2")
BATCH: Final = 8
LATEST_S: Final = 0.5  # after the step


def main() -> None:
    options = parse_options()
    setting = {"commit": read_commit(), "data": options.data.name, "pictures": options.pictures}
    for seed in range(options.runs):
        if not find_rows(options.out, setting | {"seed": seed}):
            with tempfile.TemporaryDirectory() as folder:
                row = run(options, seed, Path(folder))
            append_line(options.out, json.dumps(setting | {"seed": seed} | row))
    rows = find_rows(options.out, setting)
    kills, equal = sum(len(row["killed_at_steps"]) for row in rows), sum(row["equal"] for row in rows)
    print(f"{len(rows)} runs, killed {kills} times: {equal} ended with the bits of the undisturbed run")
    sys.exit(equal != len(rows))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill training runs at random moments and compare what they end with.")
    parser.add_argument("data", type=Path, help="pictures with classes, boxes or masks")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--kills", type=int, default=4, help="of each run")
    parser.add_argument("--pictures", type=int, default=1600, help="that each run trains on")
    parser.add_argument("--resolution", default="64")
    parser.add_argument("--out", type=Path, default=Path("kills.jsonl"))
    return parser.parse_args()


def run(options: argparse.Namespace, seed: int, folder: Path) -> dict[str, Any]:
    """One run undisturbed, then the same with kills."""
    calm, killed = folder / "calm", folder / "killed"
    begun = time.monotonic()
    subprocess.run(command(options, seed, calm), check=True, capture_output=True)
    seconds = time.monotonic() - begun
    moments = random.Random(seed)
    wanted = sorted(moments.randrange(options.pictures // BATCH) for _ in range(options.kills))
    steps: list[int] = []
    for step in wanted:
        process = subprocess.Popen(command(options, seed, killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and last_step(killed) < step:
            time.sleep(0.02)
        time.sleep(moments.uniform(0, LATEST_S))
        if process.poll() is None:
            process.kill()
            steps.append(last_step(killed))
        process.wait()
    if not (killed / "bundle").exists():
        subprocess.run(command(options, seed, killed), check=True, capture_output=True)
    weights = [load_file(each / "bundle" / "weights.safetensors") for each in (calm, killed)]
    equal = weights[0].keys() == weights[1].keys() and all(
        torch.equal(value, weights[1][key]) for key, value in weights[0].items()
    )
    return {"seconds": seconds, "killed_at_steps": steps, "equal": equal}


def command(options: argparse.Namespace, seed: int, out: Path) -> list[str]:
    """The command line of `train`."""
    model = f"mobilenet_v3_small@width=0.35,resolution={options.resolution}"
    words = [sys.executable, "-m", "edgesmith", "train", model, str(options.data), "--out", str(out)]
    words += ["--weights", "none", "--seed", str(seed)]
    return [*words, *(word for each in (*SETTINGS, f"pictures={options.pictures}") for word in ("--set", each))]


def last_step(out: Path) -> int:
    """The last step that the run's events tell of; 0 before the first."""
    return max((event.get("step", 0) for event in read_lines(out / "events.jsonl")), default=0)


if __name__ == "__main__":
    main()
