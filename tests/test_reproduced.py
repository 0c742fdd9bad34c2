"""docs/reproduced.md names code, tests and benchmarks that exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reproduced.md").read_text()
BEFORE_FIGURES = PAGE.partition("## Figures")[0]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(edgesmith\.[\w.]+)`", PAGE))))
def test_the_code_is_there(name: str) -> None:
    module, _, thing = name.rpartition(".")
    assert hasattr(importlib.import_module(module), thing)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:tests|benchmarks)/[^`]+)`", PAGE))))
def test_the_tests_and_benchmarks_are_there(name: str) -> None:
    path, _, function = name.partition("::")
    text = (ROOT / path).read_text()
    assert not function or f"\ndef {function}(" in text


def test_each_section_and_table_says_what_shows_it() -> None:
    rows = re.findall(r"^\| (?:\d|all ).*", BEFORE_FIGURES, re.MULTILINE)
    assert len(rows) > 20
    assert [row for row in rows if not re.search(r"`(?:tests|benchmarks)/", row)] == []


def test_every_table_of_the_paper_has_a_row() -> None:
    section = BEFORE_FIGURES.partition("## Tables")[2]
    assert re.findall(r"^\| (\d), ", section, re.MULTILINE) == [str(number) for number in range(1, 9)]
