"""How well sums of blocks predict latencies that others measured: HELP's FBNet nets, and TF-NAS's table.

    python benchmarks/published_tables.py
    python benchmarks/published_tables.py --devices gold_6240 pixel2 --train 200 --json

HELP: 5,000 nets of 22 places with 9 blocks each. A table of 198 figures is fitted to some of the nets and predicts
1,000 others. Four columns are sums of blocks themselves ("sum"): what they show is that the fit is right, nothing about
devices. TF-NAS: a table of every width. Every 32nd is kept and the rest drawn straight between; and multiply-adds are
asked to rank nets as the table does. Parts of it are smoothed, so it is a shape and not a truth.

The data lies in ``$EDGESMITH_SHARED/data``, by default in ``../shared/data``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.devices.blocks.gate import kendall_tau, root_mean_square

Floats = NDArray[np.float64]

SUMS: Final = ("pixel3", "raspi4", "eyeriss", "fpga")
TEST_NETS: Final = 1000
TRAIN_NETS: Final = (200, 1000, 4000)
KEPT_WIDTHS: Final = 32
_OPERATIONS: Final = 9
_RIDGES: Final = (1e-3, 1e-2, 0.1, 1.0)
_TRIED_ON: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Row:
    """One score.

    Attributes:
        table: Whose figures.
        device: Column of the table.
        kind: ``measured`` end to end, or ``sum``: of blocks to begin with.
        method: What predicts.
        train: Nets that it was fitted to; 0 where nothing was fitted.
        test: Nets, or entries of a table, that it was tried on.
        tau: Kendall's rank correlation.
        rmspe: Root mean square of the relative error; None where only ranks can be compared.
    """

    table: str
    device: str
    kind: str
    method: str
    train: int
    test: int
    tau: float
    rmspe: float | None


def main() -> None:
    options = parse_options()
    folder = data_folder()
    if not folder.is_dir():
        sys.exit(f"no published tables at {folder}; set EDGESMITH_SHARED")
    rows = [*score_help(folder, options.devices, options.train), *score_tf_nas(folder)]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        error = "" if row.rmspe is None else f"error {row.rmspe:6.2%}"
        print(f"{row.table:7} {row.device:14} {row.kind:8} {row.method:22} {row.train:5}  tau {row.tau:.3f}  {error}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Score additive prediction on published tables.")
    parser.add_argument("--devices", nargs="*", default=[], help="columns of HELP's table; all by default")
    parser.add_argument("--train", nargs="*", type=int, default=list(TRAIN_NETS), help="nets that are fitted")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def data_folder() -> Path:
    """Where the published tables lie."""
    default = Path(__file__).parents[2] / "shared"
    return Path(os.environ.get("EDGESMITH_SHARED", default)) / "data"


def score_help(folder: Path, devices: Sequence[str] = (), train: Sequence[int] = TRAIN_NETS) -> list[Row]:
    """Fit sums of blocks to HELP's FBNet nets; the last 1,000 of a fixed shuffle are the test."""
    with gzip.open(folder / "help-latency" / "fbnet_latency.csv.gz", "rt") as file:
        header, *lines = list(csv.reader(file))
    order = np.random.default_rng(0).permutation(len(lines))
    places = np.array([[int(part) for part in line[0].split("-")] for line in lines])[order]
    chosen = np.eye(_OPERATIONS)[places].reshape(len(lines), -1)
    rows = []
    for device in devices or header[1:]:
        column = header.index(device)
        latencies = np.array([float(line[column]) for line in lines])[order]
        for count in train:
            table = fit_table(chosen[:count], latencies[:count])
            predicted, measured = chosen[-TEST_NETS:] @ table, latencies[-TEST_NETS:]
            rows.append(
                Row(
                    table="HELP",
                    device=device,
                    kind="sum" if device in SUMS else "measured",
                    method="sum of fitted blocks",
                    train=count,
                    test=TEST_NETS,
                    tau=kendall_tau(predicted.tolist(), measured.tolist()),
                    rmspe=root_mean_square((predicted / measured - 1).tolist()),
                )
            )
    return rows


def fit_table(chosen: Floats, latencies: Floats) -> Floats:
    """One figure a place and block, by least squares on relative errors that are drawn to the mean.

    How strongly they are drawn is tried on a fifth of the nets.

    Args:
        chosen: ``(nets, places * blocks)``, ones where a net has that block in that place.
        latencies: ``(nets,)``
    """
    cut = round(len(chosen) * (1 - _TRIED_ON))

    def error(ridge: float) -> float:
        table = _ridge(chosen[:cut], latencies[:cut], ridge)
        return float(np.mean((chosen[cut:] @ table / latencies[cut:] - 1) ** 2))

    return _ridge(chosen, latencies, min(_RIDGES, key=error))


def _ridge(chosen: Floats, latencies: Floats, ridge: float) -> Floats:
    scaled = chosen / latencies[:, None]
    system = scaled.T @ scaled
    strength = ridge * float(np.trace(system)) / len(system)
    mean = np.full(len(system), latencies.mean() / chosen[0].sum())
    right = scaled.sum(axis=0) + strength * mean
    return np.asarray(np.linalg.solve(system + strength * np.eye(len(system)), right))


def score_tf_nas(folder: Path) -> list[Row]:
    """Interpolation in TF-NAS's tables, and multiply-adds against their sums."""
    rows = []
    for device in ("cpu", "gpu"):
        with gzip.open(folder / "tf-nas-lut" / f"latency_{device}.json.gz", "rt") as file:
            table = json.load(file)
        base = table.pop("base")
        rows += [_interpolate(device, table), _rank_by_madds(device, table, base)]
    return rows


def _interpolate(device: str, table: dict[str, list[float]]) -> Row:
    """Some widths are known, the others lie straight between; those below the first known one are left out."""
    predicted: list[float] = []
    measured: list[float] = []
    for values in table.values():
        widths = np.arange(1, len(values) + 1)
        known = widths % KEPT_WIDTHS == 0
        guesses = np.interp(widths, widths[known], np.array(values)[known])
        asked = ~known & (widths > KEPT_WIDTHS)
        predicted += guesses[asked].tolist()
        measured += np.array(values)[asked].tolist()
    step = max(1, len(measured) // TEST_NETS)
    errors = [guess / value - 1 for guess, value in zip(predicted, measured, strict=True) if value > 0]
    tau = kendall_tau(predicted[::step], measured[::step])
    method = f"every {KEPT_WIDTHS}nd width"
    return Row(
        table="TF-NAS",
        device=device,
        kind="sum",
        method=method,
        train=0,
        test=len(errors),
        tau=tau,
        rmspe=root_mean_square(errors),
    )


def _rank_by_madds(device: str, table: dict[str, list[float]], base: float) -> Row:
    """Random nets, one block a place, at any width from a quarter on."""
    rng = np.random.default_rng(0)
    places: dict[tuple[int, ...], list[tuple[int, int, list[float]]]] = {}
    for key, values in table.items():
        side, inputs, squeeze, outputs, kernel, stride = map(int, re.findall(r"\d+", key))
        places.setdefault((side, inputs, outputs, stride), []).append((kernel, squeeze, values))
    latencies, madds = [], []
    for _ in range(TEST_NETS):
        ms, work = base, 0.0
        for (side, inputs, outputs, stride), choices in places.items():
            kernel, squeeze, values = choices[int(rng.integers(len(choices)))]
            width = int(rng.integers(len(values) // 4, len(values) + 1))
            ms += values[width - 1]
            pixels = (side // stride) ** 2
            work += width * (side**2 * inputs + pixels * (kernel**2 + outputs) + 2 * squeeze)
        latencies.append(ms)
        madds.append(work)
    return Row(
        table="TF-NAS",
        device=device,
        kind="sum",
        method="multiply-adds",
        train=0,
        test=TEST_NETS,
        tau=kendall_tau(madds, latencies),
        rmspe=None,
    )


if __name__ == "__main__":
    main()
