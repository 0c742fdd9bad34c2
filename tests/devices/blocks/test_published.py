"""Sums of blocks on published tables: the benchmark's figures are those that the data's own notes give."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "published_tables.py"


@pytest.fixture(scope="module")
def rows(shared_dir: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The benchmark's JSON for three devices, by device and number of fitted nets."""
    command = [sys.executable, str(BENCHMARK), "--devices", "gold_6240", "pixel2", "fpga", "--train", "1000", "--json"]
    environment = {"EDGESMITH_SHARED": str(shared_dir), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return {(row["device"], row["train"]): row for row in json.loads(done.stdout)}


def test_a_measured_server_is_predicted_to_three_percent(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
    row = rows["gold_6240", 1000]
    assert row["kind"] == "measured"
    assert row["rmspe"] == pytest.approx(0.030, abs=0.002)
    assert row["tau"] == pytest.approx(0.84, abs=0.02)


def test_a_phone_in_whole_milliseconds_is_not(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
    assert rows["pixel2", 1000]["rmspe"] == pytest.approx(0.102, abs=0.01)


def test_sums_are_known_as_sums(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
    row = rows["fpga", 1000]
    assert row["kind"] == "sum"
    assert row["rmspe"] < 0.002
    assert row["tau"] > 0.99
