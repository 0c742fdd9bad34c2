"""What is promised of searches holds in the committed rows: a change that makes a strategy worse shows here."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import accel
import macro
import numpy as np
import optuna_side
import pymoo_side
import pytest
import search_peers
import strategies_page
from accel import STRATEGIES as ACCEL_STRATEGIES
from accel_table import HARDWARE, LATENCIES
from strategies_page import Searches

from edgesmith.arch.space.choices import Choice, Space
from edgesmith.core.files import read_lines
from edgesmith.search.strategies.table import DEFAULT, STRATEGIES

MACRO = read_lines(strategies_page.RESULTS / "macro.jsonl")
ACCEL = read_lines(strategies_page.RESULTS / "accel.jsonl")
CONTROLLER = read_lines(strategies_page.RESULTS / "controller.jsonl")
SPEED = read_lines(strategies_page.RESULTS / "search_speed.jsonl")
# Of `predicted` there are fewer seeds; the page says how many.
RUN_WHOLE = [name for name in macro.NAMES if name != "predicted"]
AT_MOST = {50: 0.11, 100: 0.07, 200: 0.055}


def regrets(name: str, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """By seed."""
    rows = sorted((row for row in MACRO if row["strategy"] == name), key=lambda row: row["first_seed"])
    assert [row["first_seed"] for row in rows] == list(range(0, 200, macro.SLICE))
    return np.array([value for row in rows for value in row["regret"][str(count)]])


@pytest.mark.parametrize("name", RUN_WHOLE)
def test_every_strategy_was_run_on_the_same_200_seeds(name: str) -> None:
    assert {len(regrets(name, count)) for count in macro.CHECKPOINTS} == {200}


@pytest.mark.parametrize("count", macro.CHECKPOINTS)
def test_the_default_s_regret_is_what_was_promised(count: int) -> None:
    assert regrets(DEFAULT, count).mean() <= AT_MOST[count]


@pytest.mark.parametrize("count", macro.CHECKPOINTS)
@pytest.mark.parametrize("name", [name for name in RUN_WHOLE if name != DEFAULT])
def test_the_default_s_regret_is_below_every_other_s(name: str, count: int) -> None:
    """The difference over the same seeds is beyond its 95 % interval."""
    ahead = regrets(name, count) - regrets(DEFAULT, count)
    assert ahead.mean() > 1.96 * ahead.std(ddof=1) / len(ahead) ** 0.5


@pytest.mark.parametrize("count", accel.CHECKPOINTS)
@pytest.mark.parametrize("other", ACCEL_STRATEGIES[1:])
def test_the_default_s_fronts_cover_more(other: str, count: int) -> None:
    wins, columns = Searches(ACCEL).wins(DEFAULT, other, count)
    assert columns == len(HARDWARE) == 8
    assert wins >= 7


def test_every_front_was_searched_with_the_seeds_that_the_page_s_command_names() -> None:
    command = re.search(r"accel\.py --seeds (\d+) ", strategies_page.PAGE.read_text(encoding="utf-8"))
    assert command is not None
    found: dict[tuple[str, str], list[int]] = {}
    for row in ACCEL:
        found.setdefault((row["column"], row["strategy"]), []).append(row["seed"])
    wanted = list(range(int(command[1])))
    assert {key for key, seeds in found.items() if sorted(seeds) != wanted and key[1] in ACCEL_STRATEGIES} == set()
    assert set(found) >= set(product(HARDWARE, ACCEL_STRATEGIES))


@pytest.mark.parametrize("column", HARDWARE)
def test_a_column_has_one_reference(column: str) -> None:
    found = {tuple(row["reference"]) for row in ACCEL if row["column"] == column and "reference" in row}
    assert len(found) == 1


@pytest.mark.parametrize("column", LATENCIES)
@pytest.mark.parametrize("policy", ["controller", "reinforce"])
def test_policies_end_at_the_target_under_the_absolute_reward(policy: str, column: str) -> None:
    off = {
        reward: np.array(
            [
                row["off"]
                for row in CONTROLLER
                if (row["column"], row["strategy"], row["reward"]) == (column, policy, reward)
            ]
        )
        for reward in ("absolute, -0.30", "soft, w = -0.07")
    }
    assert {len(values) for values in off.values()} == {20}
    near = {reward: int((np.abs(values) <= strategies_page.NEAR).sum()) for reward, values in off.items()}
    assert near["absolute, -0.30"] >= 18
    assert near["soft, w = -0.07"] < 10


def test_a_hundred_thousand_predictions_took_less_than_a_minute_of_a_core() -> None:
    row = SPEED[-1]
    assert row["candidates"] == 100_000
    assert row["learnt"] == 0
    assert row["cpu_s"] < 60


def test_every_strategy_and_every_peer_is_in_the_tables() -> None:
    assert set(macro.NAMES) == {*STRATEGIES, *search_peers.ONE_GOAL}
    assert {*search_peers.ONE_GOAL, *search_peers.TWO_GOALS} == {*optuna_side.SAMPLERS, *pymoo_side.ALGORITHMS}


@pytest.mark.parametrize("name", search_peers.PEERS)
def test_a_peer_s_points_come_with_their_values_in_the_order_of_their_evaluation(name: str) -> None:
    if name.startswith("pymoo"):
        pytest.importorskip("pymoo")
    space = Space([Choice(name=f"layer{index}", options=(0, 1, 2), ordered=index % 2 == 0) for index in range(6)])
    goals, seen = (2 if name in search_peers.TWO_GOALS else 1), []

    def evaluate(point: tuple[int, ...]) -> list[float]:
        seen.append(point)
        return [float(sum(point)), -float(point[0])][:goals]

    points, values = search_peers.PEERS[name](name, space, evaluate, goals=goals, count=110, seed=3)
    assert points == seen[:110]
    assert len(points) == 110
    assert values == [evaluate(point) for point in points]
    assert all(space.normal(point) == point for point in points)
    again, _ = search_peers.PEERS[name](name, space, evaluate, goals=goals, count=110, seed=3)
    assert again == points
    if name != "optuna random":
        assert np.mean([sum(point) for point in points[-30:]]) > np.mean([sum(point) for point in points[:30]])


@pytest.mark.slow
def test_the_default_finds_now_what_its_rows_say(shared_dir: Path) -> None:
    """The first ten seeds, run again: their rows say 0.09, 0.04 and 0.02."""
    table = macro.read_table(shared_dir / "data/nas-bench-macro/nas-bench-macro_cifar10.json")
    best = max(entry["mean_acc"] for entry in table.values())
    found = [[table[point]["mean_acc"] for point in macro.handed_over(DEFAULT, table, seed)] for seed in range(10)]
    assert np.all(best - np.mean(found, axis=0) <= list(AT_MOST.values()))
