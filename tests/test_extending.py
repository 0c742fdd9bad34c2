"""What docs/extending.md adds is added by one file and a line in a table: into a copy of the source, and used there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "extending.md"


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with all that the page adds."""
    copy = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    text = PAGE.read_text(encoding="utf-8")
    for name, body in re.findall(r"^```python\n# (src/\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert not (copy / name).exists(), f"{name} is there already"
        (copy / name).write_text(body, encoding="utf-8")
    for name, body in re.findall(r"^```diff\n--- (src/\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        change(copy / name, body.splitlines())
    return copy


def change(table: Path, lines: list[str]) -> None:
    """Put what a line of the page adds before (or after) the line beside it that is there already."""
    before = table.read_text(encoding="utf-8").splitlines()
    added = [place for place, line in enumerate(lines) if line.startswith("+")]
    assert added, f"nothing is added to {table.name}"
    for place in added:
        anchor = lines[place + 1] if place + 1 < len(lines) and lines[place + 1][0] != "+" else lines[place - 1]
        after = anchor is lines[place - 1]
        assert before.count(anchor[1:]) == 1, f"{table.name} has no line {anchor[1:]!r}"
        where = before.index(anchor[1:]) + after
        before.insert(where, lines[place][1:])
    for line in lines:
        if line.startswith("-"):
            before.remove(line[1:])
    table.write_text("\n".join(before) + "\n", encoding="utf-8")


def run(command: str, extended: Path) -> str:
    """What a command of the page prints, with the extended source."""
    assert f"$ {command}" in PAGE.read_text(encoding="utf-8"), command
    words = shlex.split(command)
    words[:1] = [sys.executable, "-m", "edgesmith"] if words[0] == "edgesmith" else [sys.executable]
    env = {**os.environ, "PYTHONPATH": str(extended / "src"), "EDGESMITH_CACHE": str(extended / "cache")}
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_model(extended: Path) -> None:
    """The publication: 10 to 140 million multiply-adds; width 1 of the copy is its largest."""
    out = run("edgesmith inspect fd_mobilenet@width=0.5,classes=5", extended)
    assert "fd_mobilenet@width=0.5" in out
    assert len(re.findall(r"separable", out)) == 11


def test_a_strategy(extended: Path) -> None:
    """Every test of the conformance suite runs it."""
    out = run("python -m pytest tests/search/strategies/test_conformance.py -k annealing", extended)
    passed = re.search(r"(\d+) passed", out)
    assert passed is not None
    assert int(passed[1]) >= 8
    assert "failed" not in out


@pytest.mark.slow
def test_a_device(extended: Path) -> None:
    """It is listed, and measures."""
    assert re.search(r"reference.*numpy", run("edgesmith devices", extended))
    out = run("edgesmith measure mobilenet_v3_small@width=0.35,resolution=32 --device reference", extended)
    assert re.search(r"mobilenet_v3_small@width=0.35,resolution=32.*reference", out, re.DOTALL)


@pytest.mark.parametrize("line", re.findall(r"^\| .*?\| (`.*`) \| (.*) \|$", PAGE.read_text(), re.MULTILINE))
def test_the_tables_that_are_named_are_there(line: tuple[str, str]) -> None:
    for name in re.findall(r"`([a-z0-9_/.]+)`", " ".join(line)):
        assert (ROOT / "src" / "edgesmith" / name).exists(), name
