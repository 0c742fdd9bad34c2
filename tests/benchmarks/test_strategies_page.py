"""docs/strategies.md shows the committed rows, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import strategies_page
from accel import STRATEGIES
from marked import read_marked


def test_the_page_is_what_the_rows_give() -> None:
    shown = read_marked(strategies_page.PAGE, strategies_page.SCRIPT)
    assert shown == strategies_page.render(strategies_page.RESULTS)


def test_without_rows_each_section_says_so(tmp_path: Path) -> None:
    assert strategies_page.render(tmp_path).count("Not measured yet.") == 4


def test_means_and_intervals_by_hand() -> None:
    """Two seeds of regret 0 and 0.2: mean 0.1, half the interval 1.96 * 0.1414 / sqrt(2)."""
    rows = [{"strategy": "random", "first_seed": 0, "regret": {count: [0.0, 0.2] for count in ("50", "100", "200")}}]
    assert strategies_page.macro_table(rows)[-1] == "| `random` | 0.100 ± 0.196 | 0.100 ± 0.196 | 0.100 ± 0.196 | 2 |"


def test_of_policies_the_near_ones_are_counted() -> None:
    rows = [
        {"column": "lat_zcu102_ms", "strategy": "controller", "reward": "hard", "seed": seed, "off": off, "top1": 0.5}
        for seed, off in enumerate((-0.031, 0.03, 0.0))
    ]
    line = strategies_page.controller_table(rows)[-1]
    assert "| 2 of 3 | +0.0% (-3.1% to +3.0%) | 50.0% |" in line


@pytest.mark.parametrize(("ours", "wins"), [(1.2, "1 of 1"), (0.9, "0 of 1")])
def test_the_verdict_counts_hardware_that_all_searched(ours: float, wins: str) -> None:
    volumes = dict.fromkeys(STRATEGIES, 1.0) | {"surrogate": ours}
    rows = [
        {"column": "thr_a100", "strategy": name, "seed": 0, "tau": 0.9, "volume": {"200": volume, "400": volume}}
        for name, volume in volumes.items()
    ]
    rows.append({"column": "thr_3090", "strategy": "surrogate", "tau": 0.9, "volume": {"200": 1.0, "400": 1.0}})
    assert strategies_page.verdict(json.loads(json.dumps(rows))).count(wins) == 2
