"""Two processes train one net from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.quickstart import write_digits

SETTINGS = ("batch_size=32", "workers=0", "checkpoint_every_seconds=1", "log_every_steps=1")


def command(data: Path, out: Path, pictures: int) -> list[str]:
    settings = [part for each in (*SETTINGS, f"pictures={pictures}") for part in ("--set", each)]
    net = "mobilenet_v3_small@width=0.35,resolution=32"
    wanted = ["--weights", "none", "--devices", "2", "--out", str(out), "--json", *settings]
    return [sys.executable, "-m", "edgesmith", "train", net, str(data), *wanted]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scikit-learn's digits as an archive."""
    path = tmp_path_factory.mktemp("data") / "digits.zip"
    write_digits(path)
    return path


@pytest.mark.slow
def test_both_make_one_bundle_and_one_answer(digits: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command(digits, tmp_path / "run", 1000), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert open_bundle(Path(answer["bundle"])).manifest.metrics["num_images"] == answer["metrics"]["num_images"] == 364
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert [event["step"] for event in events if event["kind"] == "step"] == list(range(1, 1 + events[-1]["step"]))


@pytest.mark.slow
def test_a_wrong_setting_is_one_line(digits: Path, tmp_path: Path) -> None:
    wrong = [*command(digits, tmp_path / "run", 1000), "--set", "optim.name=adam"]
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


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for the processes")
@pytest.mark.parametrize("rank", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_killed_process_ends_both_in_one_line(digits: Path, tmp_path: Path, rank: int) -> None:
    out = tmp_path / "run"
    started = subprocess.Popen(
        command(digits, out, 10**6), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 240
    while not list(out.glob("checkpoints/step-*")):
        assert time.monotonic() < deadline, "no checkpoint"
        assert started.poll() is None, started.stderr.read() if started.stderr else ""
        time.sleep(0.2)
    workers = {
        int(part.partition("=")[2]): pid
        for pid in children_of(started.pid)
        for part in Path(f"/proc/{pid}/environ").read_text().split("\0")
        if part.startswith("RANK=")
    }
    os.kill(workers[rank], signal.SIGKILL)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert f"process {rank} of 2 was killed (SIGKILL); the same command goes on where it was" in errors
    assert "Traceback" not in errors
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers.values())
