"""Progress that another process reads from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.core.progress import SILENT
from edgesmith.core.progress_file import FileProgress, StageSight, read_progress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_open_stages_stand_in_the_file_and_go_with_their_end(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress.json"
    with FileProgress(path, SILENT, clock=clock) as progress:
        with progress.stage("race", 3, "rounds"), progress.stage("train", 100, "pictures") as train:
            clock.now = 10.0
            train.advance(25, detail="loss 1.2")
            outer, inner = read_progress(path)
            assert (outer.title, outer.total, outer.done) == ("race", 3, 0)
            assert inner == StageSight(
                title="train", unit="pictures", done=25, total=100, seconds=10, detail="loss 1.2"
            )
            assert inner.left_s == 30
            assert outer.left_s is None
        assert read_progress(path) == []


def test_it_is_written_twice_a_second_at_most(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress.json"
    progress = FileProgress(path, SILENT, clock=clock)
    with progress.stage("train", 100) as stage:
        clock.now = 0.4
        stage.advance()
        assert read_progress(path)[0].done == 0
        clock.now = 0.6
        stage.advance()
        assert read_progress(path)[0].done == 2


def test_a_file_that_cannot_be_written_stops_no_work(tmp_path: Path) -> None:
    with FileProgress(tmp_path / "none" / "progress.json", SILENT) as progress, progress.stage("train") as stage:
        stage.advance()


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"title": "x"}]', "null", '[{"title": "a", "done": "b"}]'])
def test_a_damaged_file_is_no_progress(tmp_path: Path, text: str) -> None:
    (tmp_path / "progress.json").write_text(text)
    assert read_progress(tmp_path / "progress.json") == []
