"""How two arms are set side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from arms import spread
from search_scaled import best_side, pictures_of, table

from edgesmith.arch.spec import model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.files import write_json


def test_an_interval_of_three_differences_is_students() -> None:
    # Mean 2, deviation 1, t of two degrees of freedom 4.303: 2 +- 4.303 / sqrt(3).
    assert spread([1.0, 2.0, 3.0]) == "+2.0 (-0.5 to +4.5)"
    assert spread([1.25]) == "+1.2"
    assert spread([]) == "-"


def test_only_seeds_that_have_both_arms_are_compared() -> None:
    flowers = {"set": "flowers", "start": "scratch"}
    rows: list[dict[str, Any]] = [
        flowers | {"arm": "search", "seed": 0, "top1": 0.9},
        flowers | {"arm": "scaled", "seed": 0, "top1": 0.88},
        flowers | {"arm": "search", "seed": 1, "top1": 0.5},
    ]
    camvid = {"set": "camvid", "start": "scratch", "seed": 0}
    rows += [camvid | {"arm": "search", "miou": 0.45}, camvid | {"arm": "scaled", "miou": 0.44}]
    assert table(rows)[2:] == [
        "| flowers | scratch | scaled | 1 | 90.0 % | 88.0 % | +2.0 |",
        "| camvid | scratch | scaled | 1 | 45.0 % | 44.0 % | +1.0 |",
    ]


def test_pictures_of_thrown_away_candidates_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_scaled.trained_pictures", lambda folder: {"wide": 300, "netadapt": 70}[folder.name])
    write_json(tmp_path / "stages" / "search-plan.json", {"result": {"trials": 10, "pictures": 120}})
    for number, count in enumerate((50, 150)):
        write_json(tmp_path / "stages" / f"race-{number}-abc.json", {"result": {"pictures": count, "score": 0.5}})
    write_json(tmp_path / "netadapt" / "result.json", {})
    write_json(tmp_path / "netadapt" / "stages" / "plan.json", {"result": {"tune_pictures": 30}})
    (tmp_path / "netadapt" / "proposals.jsonl").write_text(json.dumps({"pictures": 8}) + "\n")
    parts = {"search": 1200, "race": 200, "before netadapt": 300, "netadapt": 38, "training": 70}
    assert pictures_of(tmp_path) == parts


def test_the_side_is_the_zoos_small_net_that_came_furthest(tmp_path: Path) -> None:
    names = [
        "ssdlite_mobilenet_v3_large@width=0.5,resolution=96x128",
        "ssdlite_mobilenet_v3_small@resolution=96x128",
        "ssdlite_mobilenet_v3_small@resolution=144x192",
    ]
    specs = [find(name) for name in names]
    for number, (spec, score) in enumerate(zip(specs, (0.9, 0.3, 0.4), strict=True)):
        for rung in range(2 if number else 3):
            write_json(tmp_path / f"race-{rung}-{model_hash(spec)}.json", {"result": {"pictures": 100, "score": score}})
    assert best_side(specs, tmp_path) == "144x192"
    assert best_side(specs[:2], tmp_path / "none") == "96x128"
