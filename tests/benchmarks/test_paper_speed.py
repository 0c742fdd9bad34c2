"""The command measures what is missing, stops when its time is over, and writes the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import paper_speed
import pytest
from paper.files import Made
from paper.groups import Entry
from paper.nets import FLOAT_PLAN, GROUPS
from paper.page import BEGIN, END
from paper.published import LARGE, V2

from edgesmith.core.files import read_lines
from edgesmith.devices.base import Device
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_devices

Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in a folder of its own; returns the lines that it has written so far."""
    page, out = tmp_path / "paper.md", tmp_path / "rows.jsonl"
    page.write_text(f"# Title\n\n{BEGIN}\n{END}\n", encoding="utf-8")

    def run(*options: str) -> list[dict[str, Any]]:
        places = ["--files", str(tmp_path / "files"), "--out", str(out), "--page", str(page)]
        monkeypatch.setattr("sys.argv", ["paper_speed.py", *places, *options])
        paper_speed.main()
        return read_lines(out)

    return run


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sessions that cost nothing; the devices that had one."""
    calls: list[str] = []

    def load_made(entry: Entry, kind: str, folder: Path, *, seed: int) -> Made:
        return Made(paths={FLOAT_PLAN: folder / entry.name}, outside={FLOAT_PLAN: {}})

    def time_entries(entries: Sequence[Entry], made: object, device: Device, *, plan: Plan) -> dict[str, Any]:
        calls.append(device.name)
        ratios = [{"name": e.name, "against": e.against, "plan": FLOAT_PLAN, "ratio": 0.5} for e in entries]
        return {
            "contended": False,
            "seconds": plan.limit_s,
            "cpu": "Abacus",
            "runtime": "beads 2",
            "nets": [{"name": e.name, "plan": FLOAT_PLAN, "ms": 2.0, "outside": {}} for e in entries],
            "ratios": [each | {"low": 0.4, "high": 0.6} for each in ratios],
        }

    monkeypatch.setattr(paper_speed, "load_made", load_made)
    monkeypatch.setattr(paper_speed, "time_entries", time_entries)
    return calls


def test_each_group_and_device_is_one_line(run: Run, measured: list[str]) -> None:
    rows = run("--device", "onnxruntime,litert", "--groups", "table3", "edits", "--limit", "7")
    found = [(row["group"], row["device"], row["limit_s"]) for row in rows]
    assert found == [(group, device, 7.0) for group in ("table3", "edits") for device in ("onnxruntime", "litert")]


def test_the_page_is_written_from_the_lines(run: Run, measured: list[str], tmp_path: Path) -> None:
    run("--device", "onnxruntime", "--groups", "table3")
    text = (tmp_path / "paper.md").read_text(encoding="utf-8")
    assert f"| {LARGE} over {V2} | 0.720 | 75.2 % | 0.797 | 0.803 | 0.786 | 0.500 (0.400 to 0.600) |" in text


def test_run_again_it_measures_what_is_missing(run: Run, measured: list[str]) -> None:
    run("--device", "onnxruntime", "--groups", "table3")
    assert len(run("--device", "onnxruntime,litert", "--groups", "table3")) == 2
    assert measured == ["onnxruntime", "litert"]
    assert len(run("--device", "onnxruntime", "--groups", "table3", "--seed", "1")) == 3


def test_nothing_is_begun_after_its_time(run: Run, measured: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--minutes", "-1", "--groups", "table3") == []
    assert measured == []
    assert "the time is over; run again to go on" in capsys.readouterr().out


def test_no_file_is_made_after_its_time(run: Run, tmp_path: Path) -> None:
    assert run("--minutes", "-1", "--groups", "table3") == []
    assert not (tmp_path / "files").exists()


def test_table_4_needs_float_files_too() -> None:
    (device,) = get_devices("onnxruntime:int8")
    assert paper_speed.kinds_of("table4", device) == ["onnx", "onnx:int8"]
    assert paper_speed.kinds_of("edits", device) == ["onnx:int8"]
    (device,) = get_devices("onnxruntime")
    assert paper_speed.kinds_of("table3", device) == ["onnx"]


def test_groups_suit_the_precision_of_the_device() -> None:
    def groups(device: str) -> set[str]:
        return {name for name, _ in paper_speed.wanted(get_devices(device), None)}

    assert groups("onnxruntime") == set(GROUPS) - {"table4"}
    assert groups("onnxruntime:int8") == {"table4", "edits", "ladder"}
    asked = paper_speed.wanted(get_devices("onnxruntime:int8"), ["sweep_large"])
    assert [name for name, _ in asked] == ["sweep_large"]
