"""A fit with search and NetAdapt against MobileNetV3-Small scaled to the same latency: as much time, as many pictures.

    python benchmarks/search_scaled.py flowers.zip --start scratch --minutes 90
    python benchmarks/search_scaled.py camvid --start runs/v3-small --reference resolution=144x192 --minutes 90

The budget is the latency of a reference, measured first: MobileNetV3-Small, with the head of the set's task, under the
options that ``--reference`` names. The first arm is ``edgesmith fit --search --adapt`` for ``--time``; ``plain`` is the
same without search and NetAdapt; ``scaled`` is MobileNetV3-Small at the resolution that did best in the first arm's own
race, at the width whose file takes as long as the found network's, measured side by side, and trained on as many
pictures as the first arm saw in all: those of candidates that were thrown away included. ``--start`` is ``scratch``, or
a bundle of MobileNetV3-Small. A call ends after ``--minutes`` and goes on where it was when it is made again; every
finished arm appends a row.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from arms import figures, nearest_width, run, spread
from marked import markdown
from rows import find_rows, read_commit

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.files import append_line, read_json, read_lines
from edgesmith.data import dataset as datasets
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.candidates import Choice
from edgesmith.recipes.measure import measure_models
from edgesmith.recipes.models import Model, resolve
from edgesmith.recipes.search_parent import PARENT_NAME

RESULTS: Final = Path(__file__).parent / "results" / "search_scaled.jsonl"
WIDTHS: Final = tuple(round(0.05 * count, 2) for count in range(6, 37))
SCRATCH: Final = "scratch"
ARMS: Final = ("search", "plain", "scaled")
# By task: MobileNetV3-Small with its head, and the figure that counts.
SMALL: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "classification": ("mobilenet_v3_small", "top1"),
        "segmentation": ("lraspp_mobilenet_v3_small", "miou"),
        "detection": ("ssdlite_mobilenet_v3_small", "map"),
    }
)


def main() -> None:
    options = parse_options()
    ends_at = time.monotonic() + 60 * options.minutes
    data = datasets.open(options.data)
    start = SCRATCH if options.start == SCRATCH else "imported"
    for seed in range(options.seeds):
        key = {"set": Path(options.data).stem, "start": start, "seed": seed}
        key |= {"reference": options.reference, "time": options.time}
        pair = Pair(options, data.task, len(data.classes), seed, ends_at)
        for arm in ("search", *(arm for arm in ARMS[1:] if arm in options.against.split(","))):
            if not find_rows(options.out, key | {"arm": arm}):
                append_line(options.out, json.dumps(key | {"arm": arm} | getattr(pair, arm)()))
            print(describe(find_rows(options.out, key | {"arm": arm})[-1]), flush=True)
    print("\n".join(table(read_lines(options.out))))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Set a fit with search and NetAdapt against a scaled network.")
    parser.add_argument("data", help="as DATA of the command line")
    parser.add_argument("--start", default=SCRATCH, help="scratch, or a bundle of MobileNetV3-Small")
    parser.add_argument("--reference", default="resolution=128", help="options of the net whose latency is the budget")
    parser.add_argument("--against", default="plain,scaled", help="the other arms")
    parser.add_argument("--time", default="40m", help="of an arm")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20, help="of this call")
    parser.add_argument("--work", type=Path, default=Path("runs/search-scaled"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


class Pair:
    """The arms of one seed."""

    def __init__(self, options: argparse.Namespace, task: str, num_classes: int, seed: int, ends_at: float) -> None:
        self.options, self.num_classes, self.seed, self.ends_at = options, num_classes, seed, ends_at
        self.small, self.score_name = SMALL[task]
        is_scratch = options.start == SCRATCH
        name = f"{Path(options.data).stem}-{SCRATCH if is_scratch else 'imported'}-{seed}"
        self.work: Path = options.work / name
        self.begin = ["--weights", "none" if is_scratch else options.start, "--seed", str(seed)]

    def search(self) -> dict[str, Any]:
        """The command that docs name."""
        out = self.work / "search"
        row = self._fit(out, "--search", "--adapt")
        parts = pictures_of(out)
        return row | {"pictures": sum(parts.values()), "parts": parts}

    def plain(self) -> dict[str, Any]:
        """The zoo's networks alone."""
        out = self.work / "plain"
        row = self._fit(out, "--no-search", "--no-adapt")
        parts = {"race": race_pictures(out), "training": trained_pictures(out)}
        return row | {"pictures": sum(parts.values()), "parts": parts}

    def scaled(self) -> dict[str, Any]:
        """The nearest width, trained on as many pictures."""
        nearest, out = self.work / "nearest.json", self.work / "scaled"
        first = read_json(self.work / "search" / "result.json")
        if not nearest.is_file():
            stages = self.work / "search" / "stages"
            choice = Choice.from_json(read_json(stages / "choose.json")["result"])
            side = best_side([each.spec for each in choice.fitting], stages)
            found = nearest_width(NetSpec.from_json(first["spec"]), self.small, side, WIDTHS)
            nearest.write_text(json.dumps(found | {"resolution": side}))
        chosen = json.loads(nearest.read_text())
        name = f"{self.small}@width={chosen['width']:g},resolution={chosen['resolution']}"
        pictures = sum(pictures_of(self.work / "search").values())
        begun = time.monotonic()
        wanted = [*self.begin, "--set", f"pictures={pictures}"]
        run(["train", name, self.options.data, *wanted, "--out", str(out)], out, self.ends_at)
        seconds = time.monotonic() - begun
        measured = measure_models([resolve(str(out)), resolve(first["bundle"])], "onnxruntime")
        latency, against = measured.latency[0], measured.comparisons[0]
        return figures(read_json(out / "result.json")["metrics"], self.score_name) | {
            "commit": read_commit(),
            "name": name,
            "ms": latency.ms,
            "low_ms": latency.low_ms,
            "high_ms": latency.high_ms,
            "ratio_to_search": against.ratio,
            "pictures": pictures,
            "seconds": round(seconds),
        }

    def _fit(self, out: Path, *how: str) -> dict[str, Any]:
        budget_ms = self._budget_ms()
        wanted = ["--budget", f"{budget_ms:.4f}ms", "--time", self.options.time, "--no-int8", *how, *self.begin]
        run(["fit", self.options.data, *wanted, "--out", str(out)], out, self.ends_at)
        result = read_json(out / "result.json")
        latency = result["latency"][0]
        return figures(result["metrics"], self.score_name) | {
            "commit": read_commit(),
            "budget_ms": budget_ms,
            "met": result["met"],
            "ms": latency["ms"],
            "low_ms": latency["low_ms"],
            "high_ms": latency["high_ms"],
            "forecast_s": result["forecast_s"],
            "seconds": result["actual_s"],
            "candidates": len(result.get("candidates") or ()),
            "name": result["spec"]["name"],
            "spec": result["spec"],
        }

    def _budget_ms(self) -> float:
        """Of the reference; measured once, for all arms."""
        path = self.work / "budget.json"
        if not path.is_file():
            spec = resolve(f"{self.small}@{self.options.reference}").require_spec().with_num_classes(self.num_classes)
            latency = measure_models([Model(name=spec.name, spec=spec)], "onnxruntime").latency[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(latency.ms))
        return float(json.loads(path.read_text()))


def pictures_of(out: Path) -> dict[str, int]:
    """Pictures that a fit with a search trained on, by what for."""
    plan = read_json(out / "stages" / "search-plan.json")["result"]
    parts = {"search": plan["trials"] * plan["pictures"], "race": race_pictures(out)}
    if (out / PARENT_NAME / "bundle").is_dir():
        parts["parent"] = trained_pictures(out / PARENT_NAME)
    narrowed = out / "netadapt"
    if not (narrowed / "result.json").is_file():
        return parts | {"training": trained_pictures(out)}
    rows = read_lines(narrowed / "proposals.jsonl")
    tuned = read_json(narrowed / "stages" / "plan.json")["result"]["tune_pictures"]
    return parts | {
        "before netadapt": trained_pictures(out / "wide"),
        "netadapt": tuned + sum(row["pictures"] for row in rows),
        "training": trained_pictures(narrowed),
    }


def race_pictures(out: Path) -> int:
    """Pictures that the race of a fit trained on."""
    return sum(int(read_json(path)["result"]["pictures"]) for path in (out / "stages").glob("race-*.json"))


def trained_pictures(folder: Path) -> int:
    """Pictures of the training that a bundle comes from."""
    return int(open_bundle(folder / "bundle").manifest.provenance["training"]["pictures"])


def best_side(specs: Sequence[NetSpec], stages: Path) -> str:
    """Resolution of the zoo's MobileNetV3-Small that came furthest in a fit's race, as options of a name have it.

    Args:
        specs: Of the zoo's networks that fitted, the preferred first.
        stages: Folder of the fit's stages.
    """
    small = [spec for spec in specs if "mobilenet_v3_small" in spec.name]
    rounds = [
        (path.name, read_json(path)["result"]["score"], spec.resolution)
        for spec in small
        for path in stages.glob(f"race-*-{model_hash(spec)}.json")
    ]
    height, width = max(rounds)[2] if rounds else small[0].resolution
    return str(height) if height == width else f"{height}x{width}"


def describe(row: dict[str, Any]) -> str:
    name = score_of(row)
    return (
        f"{row['set']}, {row['start']}, seed {row['seed']}, {row['arm']}: {row['name']}, {row['ms']:.3f} ms, "
        f"{name} {row[name]:.2%} ({row[f'{name}_low']:.1%} to {row[f'{name}_high']:.1%}), {row['pictures']} pictures"
    )


def score_of(row: Mapping[str, Any]) -> str:
    """Name of the figure that counts in a row."""
    return next(name for _, name in SMALL.values() if name in row)


def table(rows: list[dict[str, Any]]) -> list[str]:
    """A line a set, start and other arm: both arms over the seeds that have both, and how far apart they are."""
    lines = []
    for chosen in dict.fromkeys((row["set"], row["start"]) for row in rows):
        scores = {
            (row["arm"], row["seed"]): 100 * row[score_of(row)] for row in rows if (row["set"], row["start"]) == chosen
        }
        for other in ARMS[1:]:
            seeds = sorted(seed for arm, seed in scores if arm == other and ("search", seed) in scores)
            if seeds:
                found, theirs = ([scores[arm, seed] for seed in seeds] for arm in ("search", other))
                apart = [one - another for one, another in zip(found, theirs, strict=True)]
                cells = [f"{np.mean(found):.1f} %", f"{np.mean(theirs):.1f} %", spread(apart)]
                lines.append([*chosen, other, str(len(seeds)), *cells])
    head = ["set", "start", "against", "seeds", "search and NetAdapt", "the other", "points apart, 95 % interval"]
    return markdown(head, lines)


if __name__ == "__main__":
    main()
