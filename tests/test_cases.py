"""Every field case has a test that names it: ``test_case_q11_...``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

NOT_YET: Final[Mapping[str, str]] = MappingProxyType({})


@pytest.fixture(scope="module")
def listed(shared_dir: Path) -> set[str]:
    """The cases of the field list."""
    text = (shared_dir / "cases" / "open.md").read_text(encoding="utf-8")
    return set(re.findall(r"^### ([A-Z]\d+) ", text, flags=re.MULTILINE))


def named() -> set[str]:
    """The cases that a test names."""
    files = Path(__file__).parent.rglob("test_*.py")
    found = (re.findall(r"def test_case_([a-z]\d+)_", file.read_text(encoding="utf-8")) for file in files)
    return {case.upper() for cases in found for case in cases}


def test_every_case_is_named_by_a_test_or_said_to_be_missing(listed: set[str]) -> None:
    assert len(listed) > 60
    assert listed - named() == set(NOT_YET)


def test_what_is_said_to_be_missing_is(listed: set[str]) -> None:
    assert set(NOT_YET) <= listed
    assert not set(NOT_YET) & named()


def test_the_faq_names_tests_that_are_there() -> None:
    page = (Path(__file__).parents[1] / "docs" / "faq.md").read_text(encoding="utf-8")
    told = {case for cases in re.findall(r"\(([A-Z]\d+(?:, [A-Z]\d+)*)\)", page) for case in cases.split(", ")}
    assert len(told) > 40
    assert told <= named()
