"""Two processes train one net from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.together import Machines, free_port, parse_machines, place_of

SETTINGS = ("batch_size=32", "workers=0", "checkpoint_every_seconds=1", "log_every_steps=1")


def command(data: Path, out: Path, pictures: int, *, place: Sequence[str] = ("--devices", "2")) -> list[str]:
    settings = [part for each in (*SETTINGS, f"pictures={pictures}") for part in ("--set", each)]
    net = "mobilenet_v3_small@width=0.35,resolution=32"
    return ["train", net, str(data), "--weights", "none", *place, "--out", str(out), "--json", *settings]


def here(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "edgesmith", *arguments]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scikit-learn's digits as an archive."""
    path = tmp_path_factory.mktemp("data") / "digits.zip"
    write_digits(path)
    return path


@pytest.mark.slow
def test_both_make_one_bundle_and_one_answer(digits: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        here(command(digits, tmp_path / "run", 1000)), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert open_bundle(Path(answer["bundle"])).manifest.metrics["num_images"] == answer["metrics"]["num_images"] == 364
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert [event["step"] for event in events if event["kind"] == "step"] == list(range(1, 1 + events[-1]["step"]))


@pytest.mark.slow
def test_a_wrong_setting_is_one_line(digits: Path, tmp_path: Path) -> None:
    wrong = here([*command(digits, tmp_path / "run", 1000), "--set", "optim.name=adam"])
    done = subprocess.run(wrong, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert "unknown optim.name 'adam'" in done.stderr
    assert "Traceback" not in done.stderr


def children_of(pid: int) -> Iterator[int]:
    """Process numbers by Linux's own list."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (folder / "stat").exists():
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                yield int(folder.name)


def start(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def await_checkpoint(out: Path, started: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while not list(out.glob("checkpoints/step-*")):
        assert time.monotonic() < deadline, "no checkpoint"
        assert started.poll() is None, started.stderr.read() if started.stderr else ""
        time.sleep(0.2)


def ranks_of(started: subprocess.Popen[str]) -> dict[int, int]:
    """The process number of each rank that a launcher started."""
    return {
        int(part.partition("=")[2]): pid
        for pid in children_of(started.pid)
        for part in Path(f"/proc/{pid}/environ").read_text().split("\0")
        if part.startswith("RANK=")
    }


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for the processes")


@LINUX
@pytest.mark.parametrize("rank", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_killed_process_ends_both_in_one_line(digits: Path, tmp_path: Path, rank: int) -> None:
    out = tmp_path / "run"
    started = start(here(command(digits, out, 10**6)))
    await_checkpoint(out, started)
    workers = ranks_of(started)
    os.kill(workers[rank], signal.SIGKILL)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert f"process {rank} of 2 was killed (SIGKILL); the same command goes on where it was" in errors
    assert "Traceback" not in errors
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers.values())


@LINUX
@pytest.mark.slow
def test_two_machines_train_one_net_and_the_first_writes_it(digits: Path, tmp_path: Path) -> None:
    main = f"127.0.0.1:{free_port()}"
    places = [("--nodes", "2", "--node-rank", str(rank), "--main", main) for rank in (0, 1)]
    outs = [tmp_path / "first", tmp_path / "second"]
    started = [start(here(command(digits, o, 1000, place=p))) for o, p in zip(outs, places, strict=True)]
    answers = [each.communicate(timeout=300) for each in started]
    assert [each.returncode for each in started] == [0, 0], answers
    answer = json.loads(answers[0][0])
    assert open_bundle(Path(answer["bundle"])).manifest.metrics["num_images"] == 364
    assert answers[1][0] == ""
    assert not outs[1].exists()
    # As one machine with two processes does: the parts and their order are the same.
    alone = start(here(command(digits, tmp_path / "alone", 1000)))
    alone_answer = json.loads(alone.communicate(timeout=300)[0])
    assert alone_answer["metrics"] == answer["metrics"]


@LINUX
@pytest.mark.slow
def test_a_killed_process_of_another_machine_ends_both_in_a_line_each(digits: Path, tmp_path: Path) -> None:
    main = f"127.0.0.1:{free_port()}"
    places = [("--nodes", "2", "--node-rank", str(rank), "--main", main) for rank in (0, 1)]
    first, second = (start(here(command(digits, tmp_path / "run", 10**6, place=place))) for place in places)
    await_checkpoint(tmp_path / "run", first)
    os.kill(ranks_of(second)[1], signal.SIGKILL)
    (_, told_first), (_, told_second) = (each.communicate(timeout=60) for each in (first, second))
    assert (first.returncode, second.returncode) == (1, 1)
    assert "process 1 of 2 was killed (SIGKILL); the same command goes on where it was" in told_second
    assert "another of the processes that train together has ended; the checkpoint of step" in told_first
    assert "goes on from there" in told_first
    for told in (told_first, told_second):
        assert "Traceback" not in told
        assert "fault of edgesmith" not in told


@LINUX
@pytest.mark.slow
def test_a_killed_process_under_torchrun_ends_all_and_the_run_goes_on(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port"]
    words = [*torchrun, str(free_port()), "-m", "edgesmith", *command(digits, out, 3000, place=())]
    started = start([*words, "--set", "pictures=1000000"])
    await_checkpoint(out, started)
    workers = ranks_of(started)
    os.kill(workers[1], signal.SIGKILL)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert "Signal 9 (SIGKILL) received by PID" in errors, "torchrun's own report"
    assert "fault of edgesmith" not in errors
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers.values())
    before = max(out.glob("checkpoints/step-*"))
    again = start([*words, "--set", "pictures=1000000"])
    deadline = time.monotonic() + 240
    while max(out.glob("checkpoints/step-*")) == before:
        assert time.monotonic() < deadline, "it does not go on"
        time.sleep(0.2)
    again.terminate()
    again.communicate(timeout=60)


def test_machines_are_checked() -> None:
    assert parse_machines(1, 0, None) == Machines()
    found = parse_machines(3, 2, "[::1]:29500")
    assert (found.count, found.rank, found.host, found.port) == (3, 2, "::1", 29500)
    for wrong, message in (
        ((2, 0, None), "2 machines need a place to meet: --main HOST:PORT"),
        ((2, 2, "a:1"), "--node-rank counts the machines from 0 to 1, got 2"),
        ((2, 0, "a"), r"--main is HOST:PORT, such as 10\.0\.0\.1:29500, got 'a'"),
        ((2, 0, "a:99999"), "--main is HOST:PORT"),
    ):
        with pytest.raises(UsageError, match=message):
            parse_machines(*wrong)


def test_a_place_among_machines_is_torchruns() -> None:
    place = place_of(1, 4, 29500, machines=parse_machines(2, 1, "ten:29500"))
    assert (place["RANK"], place["LOCAL_RANK"], place["WORLD_SIZE"], place["LOCAL_WORLD_SIZE"]) == ("5", "1", "8", "4")
    assert (place["GROUP_RANK"], place["MASTER_ADDR"], place["MASTER_PORT"]) == ("1", "ten", "29500")
