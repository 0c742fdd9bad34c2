"""Events in memory and in the run's folder."""

from __future__ import annotations

from pathlib import Path

from edgesmith.core.files import read_lines
from edgesmith.engine.log import Event, Log


def test_events_are_kept_written_and_heard(tmp_path: Path) -> None:
    heard: list[Event] = []
    log = Log(tmp_path / "events.jsonl", listener=heard.append)
    log.add("step", step=1, values={"loss": 0.5})
    log.add("note", step=2, values={"text": "größer"})
    wanted = [{"kind": "step", "step": 1, "loss": 0.5}, {"kind": "note", "step": 2, "text": "größer"}]
    assert list(log.events) == heard == read_lines(tmp_path / "events.jsonl") == wanted
    assert list(Log(tmp_path / "events.jsonl").events) == wanted


def test_a_rewind_forgets_later_events_and_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = Log(path)
    for step in (1, 2, 3):
        log.add("step", step=step, values={})
    with path.open("a") as file:
        file.write('{"kind": "st')
    again = Log(path)
    again.rewind(2)
    again.add("step", step=3, values={})
    assert [event["step"] for event in read_lines(path)] == [1, 2, 3]


def test_without_a_folder_nothing_is_written() -> None:
    log = Log()
    log.add("step", step=1, values={})
    log.rewind(0)
    assert log.events == ()
