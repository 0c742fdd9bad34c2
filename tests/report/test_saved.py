"""A report that was written is the same report when it is read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.core.errors import RunError
from edgesmith.report.page import write
from edgesmith.report.placed import ClassColour, Overlay, PlaceScore, PlaceWords
from edgesmith.report.saved import load
from tests.report.samples import JPEG, sample_report


def test_the_content_stands_beside_the_page(tmp_path: Path) -> None:
    report = sample_report()
    write(report, tmp_path / "report.html")
    assert (tmp_path / "report.html").is_file()
    assert load(tmp_path / "report.json") == report


def test_answers_for_places_too(tmp_path: Path) -> None:
    report = replace(
        sample_report(),
        place_scores=(PlaceScore(name="road", count=3, value=None), PlaceScore(name="sky", count=9, value=0.5)),
        place_words=PlaceWords(value="IoU", count="Pixels", note="how"),
        overlays=(Overlay(file="a.png", answer=JPEG, truth=b"\x00\xff", words="0.1"),),
        colours=(ClassColour(name="road", colour="#aabbcc"),),
    )
    write(report, tmp_path / "report.html")
    assert load(tmp_path / "report.json") == report


@pytest.mark.parametrize(
    ("key", "value"),
    [("latency", 3), ("mistakes", [{"file": "a", "thumbnail": "no base64!", "truth": "b", "guesses": []}]), ("new", 1)],
)
def test_what_is_no_report_is_one_line(tmp_path: Path, key: str, value: object) -> None:
    write(sample_report(), tmp_path / "report.html")
    data = json.loads((tmp_path / "report.json").read_text())
    (tmp_path / "report.json").write_text(json.dumps({**data, key: value}))
    with pytest.raises(RunError, match="is not a report that this edgesmith can read") as caught:
        load(tmp_path / "report.json")
    assert "\n" not in str(caught.value)
