"""How two arms are set side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from arms import spread
from search_flowers import pictures_of, table

from edgesmith.core.files import write_json


def test_an_interval_of_three_differences_is_students() -> None:
    # Mean 2, deviation 1, t of two degrees of freedom 4.303: 2 +- 4.303 / sqrt(3).
    assert spread([1.0, 2.0, 3.0]) == "+2.0 (-0.5 to +4.5)"
    assert spread([1.25]) == "+1.2"
    assert spread([]) == "-"


def test_only_seeds_that_have_both_arms_are_compared() -> None:
    row = {"start": "scratch", "arm": "search", "seed": 0, "top1": 0.9}
    rows = [row, row | {"arm": "scaled", "top1": 0.88}, row | {"seed": 1, "top1": 0.5}]
    assert table(rows)[-1] == "| scratch | 1 | 90.0 % | 88.0 % | +2.0 |"


def test_pictures_of_thrown_away_candidates_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_flowers.trained_pictures", lambda folder: {"wide": 300, "netadapt": 70}[folder.name])
    write_json(tmp_path / "stages" / "search-plan.json", {"result": {"trials": 10, "pictures": 120}})
    for number, count in enumerate((50, 150)):
        write_json(tmp_path / "stages" / f"race-{number}-abc.json", {"result": {"pictures": count, "score": 0.5}})
    write_json(tmp_path / "netadapt" / "result.json", {})
    write_json(tmp_path / "netadapt" / "stages" / "plan.json", {"result": {"tune_pictures": 30}})
    (tmp_path / "netadapt" / "proposals.jsonl").write_text(json.dumps({"pictures": 8}) + "\n")
    parts = {"search": 1200, "race": 200, "before netadapt": 300, "netadapt": 38, "training": 70}
    assert pictures_of(tmp_path) == parts
