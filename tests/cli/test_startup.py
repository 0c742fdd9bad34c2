"""Start-up time, help, and what works where torch is not installed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgesmith.cli.main import app, run

VERBS = [command.name for command in app.registered_commands if command.name is not None]

BLOCK_TORCH = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "lightning", "onnx", "sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from edgesmith.cli.main import main
main(sys.argv[1:])
"""


def run_without_torch(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A verb in a process where torch and its kin cannot be imported."""
    command = [sys.executable, "-c", BLOCK_TORCH, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_takes_less_than_half_a_second() -> None:
    fastest = 9.0
    for _ in range(5):
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "edgesmith", "--help"], capture_output=True, text=True, check=True)
        fastest = min(fastest, time.perf_counter() - begun)
    assert fastest < 0.5
    assert all(verb in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert run([verb, "--help"]) == 0
    assert f"Example: edgesmith {verb}" in " ".join(capsys.readouterr().out.split())


def test_predict_works_without_torch(trained: Path, picture: Path) -> None:
    done = run_without_torch("predict", str(trained), str(picture))
    assert done.returncode == 0, done.stderr
    assert "%" in done.stdout


def test_measure_works_without_torch(trained: Path) -> None:
    done = run_without_torch("measure", str(trained), "--limit", "1")
    assert done.returncode == 0, done.stderr
    assert " ms" in done.stdout


def test_doctor_says_what_is_missing(trained: Path) -> None:
    done = run_without_torch("doctor")
    assert "torch" in done.stdout


@pytest.mark.parametrize("verb", ["export", "fit"])
def test_a_missing_extra_is_one_line_that_names_it(trained: Path, verb: str) -> None:
    arguments = {"export": [str(trained)], "fit": ["nowhere", "--budget", "5ms"]}[verb]
    done = run_without_torch(verb, *arguments)
    assert done.returncode == 1
    assert done.stderr.strip() == "edgesmith: torch is not installed; pip install 'edgesmith[train]' brings it"
