"""docs/runtimes.md shows the committed rows, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import runtimes_page
from marked import read_marked, write_marked

from edgesmith.core.errors import UsageError


def test_the_page_is_what_the_rows_give() -> None:
    shown = read_marked(runtimes_page.PAGE, runtimes_page.SCRIPT)
    assert shown == runtimes_page.render(runtimes_page.RESULTS)


def test_of_each_subject_the_last_row_counts(tmp_path: Path) -> None:
    rows = [
        {"network": "a", "commit": "1", "ms": 1},
        {"network": "b", "commit": "1", "ms": 2},
        {"network": "a", "commit": "2", "ms": 3},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [(row["network"], row["ms"]) for row in runtimes_page.last(path)] == [("a", 3), ("b", 2)]


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Page\n")
    with pytest.raises(UsageError, match="has no place for the tables"):
        write_marked(path, "some.py", "text")


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("above\n<!-- begin: written by benchmarks/some.py -->\nold\n<!-- end -->\nbelow\n")
    write_marked(path, "some.py", "new")
    assert path.read_text().startswith("above\n<!-- begin")
    assert path.read_text().endswith("<!-- end -->\nbelow\n")
    assert read_marked(path, "some.py") == "new"
