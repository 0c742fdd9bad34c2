"""The speed claims of "Searching for MobileNetV3" on this machine's runtimes, beside the paper's Pixel phones.

    python benchmarks/paper_speed.py --device onnxruntime,litert,executorch
    python benchmarks/paper_speed.py --device onnxruntime:int8,litert:int8,executorch:int8

Each group of networks (a table, the edits, a sweep) is one session a device and one line of the output file; then the
tables of docs/paper.md are written anew from the lines. Weights are random with calibrated norms: these are times, and
say nothing about accuracy. Nothing new is begun after ``--minutes``; run again, the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from paper.files import Made, join_made, load_made, make
from paper.groups import FLOAT, INT8, Entry
from paper.nets import GROUPS
from paper.page import write_page
from paper.timing import time_entries
from rows import find_rows, read_commit, read_instructions

from edgesmith.core.files import append_line, read_lines
from edgesmith.core.workers import leave_with_parent
from edgesmith.deploy.base import split_kind
from edgesmith.devices.base import Device
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_devices

HERE: Final = Path(__file__).parent


def main() -> None:
    options = parse_options()
    until = time.monotonic() + 60 * options.minutes
    work = wanted(get_devices(options.device), options.groups)
    key = {"commit": read_commit(), "seed": options.seed, "limit_s": options.limit}
    left = [each for each in work if not find_rows(options.out, key | {"group": each[0], "device": each[1].name})]
    finished = make_files(left, options.files, seed=options.seed, until=until)
    for group, device in left:
        if not finished or time.monotonic() > until:
            finished = False
            break
        made = files_of(group, device, options.files, seed=options.seed)
        plan = Plan(seed=options.seed, limit_s=options.limit)
        row = time_entries(entries_of(group, device), made, device, plan=plan)
        about = {"group": group, "device": device.name, "instructions": read_instructions()}
        append_line(options.out, json.dumps(key | about | row))
        print(f"{group} on {device.name}: {row['seconds']} s{', contended' * row['contended']}", flush=True)
    write_page(options.page, read_lines(options.out))
    print("all measured" if finished else "the time is over; run again to go on")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Repeat the paper's speed claims on this machine.")
    parser.add_argument("--device", default="onnxruntime,litert,executorch", help="devices, as `edgesmith measure`")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, help="by default those that suit a device's precision")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=40.0, help="seconds of measuring for each group and device")
    parser.add_argument("--minutes", type=float, default=20.0, help="nothing new is begun after this")
    parser.add_argument("--files", type=Path, default=Path("runs/paper"), help="folder that keeps the model files")
    parser.add_argument("--out", type=Path, default=HERE / "paper" / "rows.jsonl")
    parser.add_argument("--page", type=Path, default=HERE.parent / "docs" / "paper.md")
    return parser.parse_args()


def wanted(devices: Sequence[Device], groups: Sequence[str] | None) -> list[tuple[str, Device]]:
    """Each group with each device that it is timed on."""
    return [
        (name, device)
        for name, group in GROUPS.items()
        for device in devices
        if (name in groups if groups else precision_of(device) in group.precisions)
    ]


def precision_of(device: Device) -> str:
    return INT8 if split_kind(device.format)[1] else FLOAT


def entries_of(group: str, device: Device) -> tuple[Entry, ...]:
    return GROUPS[group].of_precision(precision_of(device))


def kinds_of(group: str, device: Device) -> list[str]:
    """Kinds of files that a session needs of each network."""
    form, is_int8 = split_kind(device.format)
    return [form, device.format] if is_int8 and GROUPS[group].beside_float else [device.format]


def files_of(group: str, device: Device, folder: Path, *, seed: int) -> dict[str, Made]:
    """The files of a group by network, all kinds together."""
    found = {}
    for entry in entries_of(group, device):
        made = [load_made(entry, kind, folder, seed=seed) for kind in kinds_of(group, device)]
        found[entry.name] = reduce(join_made, [each for each in made if each is not None])
    return found


def make_files(work: Sequence[tuple[str, Device]], folder: Path, *, seed: int, until: float) -> bool:
    """Make what is missing in a process of its own, so that no converter's threads run while files are timed.

    Returns:
        Whether all files are there.
    """
    kinds: dict[Entry, list[str]] = {}
    for group, device in work:
        for entry in entries_of(group, device):
            for kind in kinds_of(group, device):
                if load_made(entry, kind, folder, seed=seed) is None:
                    kinds.setdefault(entry, []).append(kind)
    if not kinds:
        return True
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=leave_with_parent) as pool:
        for number, (entry, missing) in enumerate(kinds.items(), start=1):
            if time.monotonic() > until:
                return False
            print(f"files of {entry.name} ({number} of {len(kinds)})", flush=True)
            pool.submit(make, entry, missing, folder, seed=seed).result()
    return True


if __name__ == "__main__":
    main()
