"""How often `measure --sustained` says what it should: a file as it is, one that gets slower, and busy loops beside it.

    python benchmarks/sustained.py FASTER.onnx SLOWER.onnx --sessions 5 --seconds 60 --out sustained.jsonl

In the middle of a stretch the second kind goes on with the slower file, and the third kind starts busy loops, one a
core. Each stretch is one line of the output file; run again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from aa_sessions import busy_loops
from rows import find_rows, read_commit

from edgesmith.core.config import to_dict
from edgesmith.core.files import append_line
from edgesmith.core.threads import allowed_cores
from edgesmith.devices.base import Array, Device, Fingerprint, Session
from edgesmith.devices.plan import Plan
from edgesmith.devices.steadiness import CANNOT_TELL, SLOWS_DOWN, STEADY
from edgesmith.devices.sustained import Stretch, sustain
from edgesmith.devices.table import get_device

WANTED: Final = {"as it is": (STEADY,), "slower": (SLOWS_DOWN,), "loops": (STEADY, CANNOT_TELL)}


class Changing:
    """A device on which something happens at some moment after its first session."""

    def __init__(self, device: Device, stack: ExitStack, *, slower: Path | None, loops: int, after_s: float) -> None:
        self.name, self.format = device.name, device.format
        self._device, self._stack = device, stack
        self._slower, self._loops, self._after_s = slower, loops, after_s
        self._begun: float | None = None

    def fingerprint(self) -> Fingerprint:
        """The device's own."""
        return self._device.fingerprint()

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        """Time on the device, or what has taken the files' place."""
        self._begun = time.monotonic() if self._begun is None else self._begun
        if time.monotonic() - self._begun < self._after_s:
            return self._device.time(files, plan)
        if self._loops:
            self._stack.enter_context(busy_loops(self._loops))
            self._loops = 0
        return self._device.time(files if self._slower is None else [self._slower], plan)

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        """The device's own."""
        return self._device.run(file, images)


def main() -> None:
    options = parse_options()
    setting = {"commit": read_commit(), "device": options.device, "seconds": options.seconds}
    for seed in range(options.sessions):
        for kind in WANTED:
            key = setting | {"kind": kind, "seed": seed}
            if not find_rows(options.out, key):
                append_line(options.out, json.dumps(key | run_stretch(kind, seed, options)))
    for kind, wanted in WANTED.items():
        rows = find_rows(options.out, setting | {"kind": kind})
        right = sum(row["verdict"] in wanted for row in rows)
        ratios = ", ".join(f"{row['ratio']:.3f}" for row in rows)
        moments = ", ".join(f"{row['slows_after_s']:.0f}" for row in rows if row["slows_after_s"] is not None)
        print(f"{kind}: {right} of {len(rows)} {' or '.join(wanted)}; ratios {ratios}; changes at {moments or '-'} s")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Count the verdicts of many stretches.")
    parser.add_argument("faster", type=Path)
    parser.add_argument("slower", type=Path, help="a file that takes at least 2 % longer")
    parser.add_argument("--sessions", type=int, default=5, help="stretches of each kind")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a stretch")
    parser.add_argument("--device", default="onnxruntime")
    parser.add_argument("--out", type=Path, default=Path("sustained.jsonl"))
    return parser.parse_args()


def run_stretch(kind: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    with ExitStack() as stack:
        device = Changing(
            get_device(options.device),
            stack,
            slower=options.slower if kind == "slower" else None,
            loops=len(allowed_cores()) if kind == "loops" else 0,
            after_s=options.seconds / 2,
        )
        found = sustain(options.faster.stem, options.faster, device, Stretch(seconds=options.seconds, seed=seed))
    return dict(to_dict(found.steadiness))


if __name__ == "__main__":
    main()
