"""docs/strategies.md shows the committed rows, and nothing else."""

from __future__ import annotations

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


def accel_rows(volumes: dict[str, list[float]], column: str = "thr_a100") -> list[dict[str, object]]:
    return [
        {
            "column": column,
            "strategy": name,
            "seed": seed,
            "tau": 0.9,
            "reference": [60.5, 123.4],
            "volume": {"200": volume, "400": volume},
        }
        for name, found in volumes.items()
        for seed, volume in enumerate(found)
    ]


@pytest.mark.parametrize(("ours", "wins"), [(1.2, "1 of 1"), (0.9, "0 of 1")])
def test_the_verdict_counts_hardware_that_both_searched(ours: float, wins: str) -> None:
    rows = accel_rows({name: [1.0] for name in STRATEGIES} | {"surrogate": [ours]})
    rows += accel_rows({"surrogate": [1.0]}, "thr_3090")
    lines = strategies_page.verdicts(strategies_page.Searches(rows))
    assert len(lines) == len(STRATEGIES) - 1
    assert all(line.count(wins) == 2 for line in lines)


def test_hypervolumes_stand_with_intervals_and_references() -> None:
    """Volumes 1 and 1.2 of two seeds: half the interval is 12.706 * 0.1414 / sqrt(2)."""
    lines = strategies_page.accel_lines(accel_rows({"surrogate": [1.0, 1.2], "optuna random": [0.5, 0.5]}))
    assert "| `thr_a100` | 0.90 | 60.50 % | 123.4 pictures/s |" in lines
    ours = lines.index("| `thr_a100` | `surrogate` | 1.100 ± 1.271 | 1.100 ± 1.271 | 2 |")
    assert lines[ours + 1] == "| `thr_a100` | `optuna random` | 0.500 ± 0.000 | 0.500 ± 0.000 | 2 |"
