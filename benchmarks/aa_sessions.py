"""How often `measure` says what it should: the same file twice, and two files of which one is faster.

    python benchmarks/aa_sessions.py FASTER.onnx SLOWER.onnx --sessions 20 --out aa.jsonl

Sessions of both kinds alternate, first with the machine as it is, then with busy loops beside, one a core. Each session
is one line of the output file; run again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rows import find_rows, read_commit

from edgesmith.core.files import append_line
from edgesmith.core.threads import allowed_cores
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_device

WANTED: Final = {"A/A": "cannot tell", "A/B": "faster"}
LOOP: Final = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"


def main() -> None:
    options = parse_options()
    setting = {
        "commit": read_commit(),
        "device": options.device,
        "files": [options.faster.stem, options.slower.stem],
    }
    for loaded in (False, True):
        with busy_loops(options.loops or len(allowed_cores()) if loaded else 0):
            for seed in range(options.sessions):
                for kind in WANTED:
                    key = setting | {"kind": kind, "loaded": loaded, "seed": seed}
                    if not find_rows(options.out, key):
                        append_line(options.out, json.dumps(key | run_session(kind, seed, options)))
    for loaded in (False, True):
        for kind, wanted in WANTED.items():
            rows = find_rows(options.out, setting | {"kind": kind, "loaded": loaded})
            print(summarise(rows, kind=kind, wanted=wanted, loaded=loaded))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Count the verdicts of many sessions, with load and without.")
    parser.add_argument("faster", type=Path, help="the file that is timed against itself and against SLOWER")
    parser.add_argument("slower", type=Path)
    parser.add_argument("--sessions", type=int, default=20, help="sessions of each kind")
    parser.add_argument("--loops", type=int, default=0, help="busy loops under load; 0 for one a core")
    parser.add_argument("--device", default="onnxruntime")
    parser.add_argument("--out", type=Path, default=Path("aa_sessions.jsonl"))
    return parser.parse_args()


def run_session(kind: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One session's verdict with its interval, and how long it took."""
    device = get_device(options.device)
    other = options.faster if kind == "A/A" else options.slower
    subjects = [Subject(name=path.stem, files={device.format: path}) for path in (options.faster, other)]
    started = time.monotonic()
    result = measure(subjects, [device], plan=Plan(seed=seed))
    pair, latency = result.comparisons[0], result.latency[0]
    told = result.to_dict()["conditions"]["devices"][device.name]
    return {
        "verdict": pair.verdict,
        "ratio": pair.ratio,
        "low": pair.low,
        "high": pair.high,
        "ms": latency.ms,
        "contended": latency.contended,
        "loads": latency.loads,
        **{key: told[key] for key in ("aa_ratio", "aa_low", "aa_high", "aa_steady")},
        "seconds": time.monotonic() - started,
    }


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """So many processes that do nothing but take a core; they end with this process at the latest."""
    loops = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(count)]
    try:
        time.sleep(1.0 if loops else 0.0)
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def summarise(rows: list[dict[str, Any]], *, kind: str, wanted: str, loaded: bool) -> str:
    right = sum(row["verdict"] == wanted for row in rows)
    ratios = sorted(row["ratio"] for row in rows)
    widths = sorted((row["high"] - row["low"]) / 2 for row in rows)
    seconds = [row["seconds"] for row in rows]
    return (
        f"{kind} {'under load' if loaded else 'as it is':>10}: {right} of {len(rows)} {wanted!r}; "
        f"ratio {ratios[0]:.3f} to {ratios[-1]:.3f}, half width {100 * widths[len(widths) // 2]:.1f} %, "
        f"flagged contended {sum(row['contended'] for row in rows)}, "
        f"halves differ in {sum(not row['aa_steady'] for row in rows)}, "
        f"seconds {sum(seconds) / len(seconds):.1f} (at most {max(seconds):.1f})"
    )


if __name__ == "__main__":
    main()
