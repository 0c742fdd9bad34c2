"""Jobs as processes: begun, watched, stopped with all they started, gone on with, forgotten."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.core.files import read_json, write_json
from edgesmith.web import processes
from edgesmith.web.jobs import JOB_NAME, LOG_NAME, Job, Jobs
from edgesmith.web.processes import is_same_process, started_at
from edgesmith.web.states import State

QUICK = "import sys; print('{\"ok\": true}'); print('a note', file=sys.stderr)"
FAILING = "import sys; print('edgesmith: no such thing', file=sys.stderr); sys.exit(1)"
# A child of its own, whose number stands in the log, and both go on for a minute.
LONG = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
print(child.pid, file=sys.stderr, flush=True)
time.sleep(60)
"""
STUBBORN = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN);" + LONG
)


def wait_until(condition: Callable[[], bool], *, limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Jobs whose one argument is a program."""
    made = Jobs(tmp_path / "jobs", command=(sys.executable, "-c"))
    yield made
    made.close()


def begin(jobs: Jobs, program: str, *, run: str = "") -> Job:
    key = jobs.new_folder()
    job = Job(key=key, verb="check", title="a job", arguments=(program,), run=run, created_at=time.time())
    jobs.start(job)
    return again(jobs, job)


def again(jobs: Jobs, job: Job) -> Job:
    found = jobs.get(job.key)
    assert found is not None
    return found


def child_of(jobs: Jobs, job: Job) -> int:
    log = jobs.path(job.key) / LOG_NAME
    wait_until(lambda: log.read_text().strip().isdigit())
    return int(log.read_text())


def is_gone(pid: int) -> bool:
    return not started_at(pid)


def test_a_job_leaves_its_output_and_its_notes(jobs: Jobs) -> None:
    job = begin(jobs, QUICK)
    wait_until(lambda: again(jobs, job).exit_code == 0)
    assert jobs.state(again(jobs, job)) is State.FINISHED
    assert read_json(jobs.path(job.key) / "output.json") == {"ok": True}
    assert (jobs.path(job.key) / LOG_NAME).read_text() == "a note\n"
    assert jobs.running() is None


def test_one_that_fails_is_told_so(jobs: Jobs) -> None:
    job = begin(jobs, FAILING)
    wait_until(lambda: again(jobs, job).exit_code == 1)
    assert jobs.state(again(jobs, job)) is State.FAILED


def test_one_runs_at_a_time(jobs: Jobs) -> None:
    first = begin(jobs, LONG)
    assert jobs.state(first) is State.RUNNING
    with pytest.raises(UsageError, match="one job runs at a time, and a job is running"):
        begin(jobs, QUICK)
    with pytest.raises(UsageError, match="stop it first"):
        jobs.remove(first)
    running = jobs.running()
    assert running is not None
    assert running.key == first.key


@pytest.mark.parametrize("program", [LONG, STUBBORN])
def test_stopping_ends_all_that_it_started(jobs: Jobs, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_STEPS", ((signal.SIGINT, 2.0), (signal.SIGTERM, 0.5), (signal.SIGKILL, 5.0)))
    job = begin(jobs, program)
    child = child_of(jobs, job)
    jobs.stop(job)
    wait_until(lambda: is_gone(job.pid) and is_gone(child))
    wait_until(lambda: again(jobs, job).exit_code is not None)
    assert jobs.state(again(jobs, job)) is State.STOPPED


@pytest.mark.slow
def test_a_stopped_one_runs_the_same_command_again(jobs: Jobs, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = (
        f"import pathlib, time; m = pathlib.Path({str(mark)!r}); m.exists() or (m.touch(), time.sleep(60)); print(1)"
    )
    job = begin(jobs, program)
    wait_until(mark.exists)
    jobs.stop(job)
    wait_until(lambda: again(jobs, job).exit_code is not None)
    jobs.start(again(jobs, job))
    wait_until(lambda: jobs.state(again(jobs, job)) is State.FINISHED)
    assert again(jobs, job).arguments == job.arguments


@pytest.mark.slow
def test_another_server_finds_the_job_and_can_stop_it(jobs: Jobs) -> None:
    job = begin(jobs, LONG)
    child = child_of(jobs, job)
    later = Jobs(jobs.path(job.key).parent)
    found = later.running()
    assert found == job
    later.stop(found)
    wait_until(lambda: is_gone(child))
    wait_until(lambda: later.state(again(later, job)) is State.STOPPED)


def test_a_number_that_another_process_has_now_is_not_taken_for_the_job(jobs: Jobs) -> None:
    key = jobs.new_folder()
    mine = {
        "key": key,
        "verb": "check",
        "title": "old",
        "arguments": ["x"],
        "created_at": 1.0,
        "pid": os.getpid(),
        "process_started": "12345",
    }
    write_json(jobs.path(key) / JOB_NAME, mine)
    job = jobs.get(key)
    assert job is not None
    assert jobs.state(job) is State.STOPPED
    jobs.stop(job)  # would end this test
    assert is_same_process(os.getpid(), started_at(os.getpid()))
    assert not is_same_process(os.getpid(), "")


def test_a_server_that_goes_takes_its_job_along(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, command=(sys.executable, "-c"))
    job = begin(jobs, LONG)
    child = child_of(jobs, job)
    jobs.close()
    wait_until(lambda: is_gone(child))
    assert again(jobs, job).is_stopped


def test_forgetting_takes_what_was_sent_too(jobs: Jobs) -> None:
    job = begin(jobs, QUICK)
    (jobs.path(job.key) / "pictures.zip").write_bytes(b"x")
    wait_until(lambda: again(jobs, job).exit_code == 0)
    jobs.remove(again(jobs, job))
    assert not jobs.path(job.key).exists()
    assert jobs.all() == []


@pytest.mark.parametrize("key", ["", "..", "../jobs", "a/b", "a\\b", "a.b", "\x00", "\u00fc", "none"])
def test_other_keys_are_no_jobs(jobs: Jobs, key: str) -> None:
    begin(jobs, QUICK)
    assert jobs.get(key) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 1}', json.dumps({"key": "a", "pid": "1"})])
def test_a_damaged_job_hides_no_other(jobs: Jobs, text: str) -> None:
    job = begin(jobs, QUICK)
    (jobs.path("bad")).mkdir()
    (jobs.path("bad") / JOB_NAME).write_text(text)
    assert [each.key for each in jobs.all()] == [job.key]
