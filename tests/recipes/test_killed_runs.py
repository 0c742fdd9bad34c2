"""Searches, fits and NetAdapt with real trainings, killed by -9 at several moments: nothing finished is done again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesmith.core.files import read_json, read_lines
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.quickstart import write_digits
from tests.recipes.netadapt.fakes import write_net

pytestmark = pytest.mark.slow

COMMON = ("--set", "augment.flip=0", "--weights", "none", "--workers", "2", "--out", "run", "--json")
# Files for the device torch are made in no time, and of small batches a hundred steps are few pictures.
SEARCH = ("--resolution", "32", "--search", "--device", "torch", "--set", "batch_size=16")
FIT = ("fit", "digits.zip", "--budget", "30ms", "--time", "150s", *SEARCH, *COMMON)
NETADAPT = ("netadapt", "small.json", "digits.zip", "--budget", "0.9x", "--time", "90s", "--delta", "0.04", *COMMON)

Stamps = dict[str, int]


def start(folder: Path, words: tuple[str, ...]) -> subprocess.Popen[str]:
    """The command in a process of its own, with a cache of its own."""
    environment = {**os.environ, "EDGESMITH_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "edgesmith", *words]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kill_when(process: subprocess.Popen[str], condition: Callable[[], bool], *, limit_s: float = 1200) -> None:
    """Wait for a moment, and kill by -9."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def stamps(folder: Path, pattern: str) -> Stamps:
    """When each file that is only written once was written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.glob(pattern)}


def finished_trials(run: Path) -> dict[int, str]:
    """Of the study: number and moment of every trial that is complete."""
    if not (run / "study.db").is_file():
        return {}
    try:
        with sqlite3.connect(f"file:{run / 'study.db'}?mode=ro", uri=True) as base:
            return dict(base.execute("SELECT number, datetime_complete FROM trials WHERE state = 'COMPLETE'"))
    except sqlite3.OperationalError:  # it is being made
        return {}


def test_a_fit_with_a_search_that_is_killed_thrice_repeats_nothing_that_was_finished(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    run = tmp_path / "run"
    kill_when(start(tmp_path, FIT), lambda: len(finished_trials(run)) >= 1)
    trials, stages = finished_trials(run), stamps(run, "stages/*.json")
    kill_when(start(tmp_path, FIT), lambda: bool(stamps(run, "stages/race-0-*.json")))
    assert finished_trials(run).items() >= trials.items(), "a finished trial was done again"
    assert stamps(run, "stages/*.json").items() >= stages.items(), "a finished stage was done again"
    trials, stages = finished_trials(run), stamps(run, "stages/*.json")
    kill_when(start(tmp_path, FIT), (run / "train" / "events.jsonl").exists)
    assert finished_trials(run) == trials
    assert stamps(run, "stages/*.json").items() >= stages.items()
    stages = stamps(run, "stages/*.json")
    out, error = start(tmp_path, FIT).communicate(timeout=1200)
    assert out, error
    assert finished_trials(run) == trials
    assert stamps(run, "stages/*.json") == stages, "only the training was left to do"
    result = json.loads(out)
    planned = read_json(run / "stages" / "search-plan.json")["result"]["trials"]
    assert len(trials) <= planned
    assert len(result["candidates"]) == planned
    assert open_bundle(run / "bundle").manifest.metrics["num_images"] == 364


def test_a_netadapt_that_is_killed_twice_repeats_no_proposal_that_was_answered(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    write_net(tmp_path)
    run = tmp_path / "run"
    kill_when(start(tmp_path, NETADAPT), lambda: len(stamps(run, "steps/01/trials/*.json")) >= 1)
    answers, stages = stamps(run, "steps/*/trials/*.json"), stamps(run, "stages/*.json")
    kill_when(start(tmp_path, NETADAPT), (run / "train" / "events.jsonl").exists)
    assert stamps(run, "steps/*/trials/*.json").items() >= answers.items(), "an answered proposal was tried again"
    assert stamps(run, "stages/*.json").items() >= stages.items(), "a finished stage was done again"
    answers, stages = stamps(run, "steps/*/trials/*.json"), stamps(run, "stages/*.json")
    out, error = start(tmp_path, NETADAPT).communicate(timeout=1200)
    assert out, error
    assert stamps(run, "steps/*/trials/*.json") == answers
    assert stamps(run, "stages/*.json") == stages
    result = json.loads(out)
    assert len(result["candidates"]) == len(answers) == len(read_lines(run / "proposals.jsonl"))
    assert open_bundle(run / "bundle").manifest.spec.to_json() == result["spec"]
