from __future__ import annotations

import base64
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.report.content import Budget, ClassGuess, DataProblem, FitReport, Mistake
from edgesmith.report.page import read_style, render, write
from tests.report.pages import Node, read_page
from tests.report.samples import CLASSES, CONFUSION, JPEG, candidates, sample_report

HOSTILE = "<script>alert('1')</script>\" onload=\"x"


@pytest.fixture(scope="module")
def page() -> Node:
    return read_page(render(sample_report()))


def bare_report() -> FitReport:
    """Only what every fit has."""
    return replace(
        sample_report(),
        candidates=(),
        panels=(),
        class_scores=(),
        confusion=(),
        mistakes=(),
        num_mistakes=0,
        splits=(),
        problems=(),
        stages=(),
        repeat=(),
        next_steps=(),
    )


def hostile_report() -> FitReport:
    report = sample_report()
    classes = (HOSTILE, *CLASSES[1:])
    guess = ClassGuess(name=HOSTILE, score=0.9)
    return replace(
        report,
        data=HOSTILE,
        classes=classes,
        candidates=tuple(replace(row, name=HOSTILE, reason=HOSTILE) for row in report.candidates),
        panels=tuple(replace(panel, title=HOSTILE, x_label=HOSTILE) for panel in report.panels),
        class_scores=tuple(replace(score, name=HOSTILE) for score in report.class_scores),
        mistakes=(Mistake(file=HOSTILE, thumbnail=JPEG, truth=HOSTILE, guesses=(guess,)),),
        problems=(DataProblem(kind=HOSTILE, file=HOSTILE, detail=HOSTILE),),
        stages=tuple(replace(stage, name=HOSTILE) for stage in report.stages),
        conditions=replace(report.conditions, cpu=HOSTILE, versions=((HOSTILE, HOSTILE),)),
        model=replace(report.model, name=HOSTILE, file_path=HOSTILE),
        latency=replace(report.latency, device=HOSTILE),
        repeat=tuple(replace(command, text=HOSTILE, purpose=HOSTILE) for command in report.repeat),
    )


def test_every_part_is_there_in_reading_order(page: Node) -> None:
    assert [node.attributes["id"] for node in page.find("section")] == [
        "frontier",
        "candidates",
        "training",
        "classes",
        "confusion",
        "mistakes",
        "data",
        "time",
        "model",
        "conditions",
        "repeat",
        "next",
    ]


def test_the_top_gives_the_verdict(page: Node) -> None:
    (top,) = page.find("header")
    for words in (
        "budget met",
        "84.5 % of new pictures right",
        "meets 1.5 ms on onnxruntime, 1 thread: 1.17 ms",
        "81.0 to 88.0 %",
        "400 pictures of val",
        "5.41",
        "forecast 23 min",
    ):
        assert words in top.text


def test_a_missed_budget_is_said_with_the_reason() -> None:
    (top,) = read_page(render(replace(sample_report(), budget=Budget(latency_ms=1.0)))).find("header")
    assert "budget missed" in top.text
    assert "The latency's upper end is 1.20 ms, the limit 1 ms." in top.text


def test_remarks_stand_under_the_verdict() -> None:
    remark = "suppression adds 1 ms"
    assert "<p>Suppression adds 1 ms.</p>" in render(replace(sample_report(), remarks=(remark,)))


def test_every_candidate_is_in_the_table_in_the_order_tried(page: Node) -> None:
    lines = [line for line in page.by_id("candidates").find("tr") if "data-candidate" in line.attributes]
    assert [line.attributes["data-candidate"] for line in lines] == [str(number) for number in range(1, 10)]
    for line, row in zip(lines, candidates(), strict=True):
        assert row.name in line.text
        assert row.outcome.value in line.text
        assert row.reason in line.text


def test_files_with_problems_are_named(page: Node) -> None:
    text = page.by_id("data").text
    assert "train/roses/1445228333_59a07e0801.jpg" in text
    assert "train/tulips/Thumbs.db" in text


def test_wrong_pictures_are_embedded_with_truth_and_guess(page: Node) -> None:
    pictures = page.by_id("mistakes").find("img")
    assert len(pictures) == 18
    assert pictures[0].attributes["alt"] == "roses, predicted as tulips"
    header, _, content = pictures[0].attributes["src"].partition(",")
    assert header == "data:image/jpeg;base64"
    assert base64.b64decode(content) == JPEG
    assert "62 of 400 pictures came out wrong; here are the 18" in page.by_id("mistakes").text


def test_nothing_is_fetched_and_nothing_runs(page: Node) -> None:
    for node in page.walk():
        assert node.name not in {"script", "link", "iframe", "object", "embed", "base", "form"}
        assert not [name for name in node.attributes if name.startswith("on")]
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            value = node.attributes.get(name, "#")
            assert value.startswith(("#", "data:image/jpeg;base64,"))
    assert not re.search(r"url\(|@import|@font-face", read_style())
    policies = [node for node in page.find("meta") if node.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0].attributes["content"].startswith("default-src 'none'")


def test_links_lead_somewhere_and_ids_are_unique(page: Node) -> None:
    counts = Counter(node.attributes["id"] for node in page.walk() if "id" in node.attributes)
    assert set(counts.values()) == {1}
    for link in page.find("a"):
        assert link.attributes["href"].removeprefix("#") in counts
    for node in page.walk():
        assert set(node.attributes.get("aria-labelledby", "").split()) <= set(counts)


def test_plots_have_a_title_and_a_description(page: Node) -> None:
    plots = page.find("svg", kind="plot")
    assert len(plots) == 5
    for plot in plots:
        assert plot.attributes["role"] == "img"
        names = [child.name for child in plot.children if isinstance(child, Node)]
        assert names[:2] == ["title", "desc"]
        assert page.by_id(plot.attributes["aria-labelledby"].split()[1]).text
    for picture in page.find("svg"):
        assert picture in plots or picture.attributes["aria-hidden"] == "true"


def test_headings_and_tables_can_be_read_out(page: Node) -> None:
    levels = [int(node.name[1]) for node in page.walk() if re.fullmatch(r"h[1-6]", node.name)]
    assert levels == [1] + [2] * 12
    assert page.find("html")[0].attributes["lang"] == "en"
    for table in page.find("table"):
        assert table.find("caption")[0].text
        assert all(node.attributes["scope"] in ("row", "col") for node in table.find("th"))
        head = len([cell for cell in table.find("thead")[0].walk() if cell.name in ("th", "td")])
        for line in table.find("tbody")[0].find("tr"):
            assert len([cell for cell in line.children if isinstance(cell, Node)]) == head


def test_users_words_are_shown_and_never_run() -> None:
    text = render(hostile_report())
    page = read_page(text)
    assert page.find("script") == []
    assert not [name for node in page.walk() for name in node.attributes if name.startswith("on")]
    for part in ("candidates", "training", "classes", "confusion", "mistakes", "data", "time", "conditions", "repeat"):
        assert HOSTILE in page.by_id(part).text
    assert HOSTILE in page.find("title")[0].text


def test_a_bare_report_leaves_out_what_it_has_not() -> None:
    page = read_page(render(bare_report()))
    keys = [node.attributes["id"] for node in page.find("section")]
    assert keys == ["frontier", "mistakes", "model", "conditions"]
    assert "All 400 pictures came out right." in page.by_id("mistakes").text


def test_a_confusion_matrix_of_another_size_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="confusion"):
        replace(sample_report(), confusion=CONFUSION[:3])


def test_the_file_is_what_was_rendered(tmp_path: Path) -> None:
    write(sample_report(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(sample_report())
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.json"}


def test_the_same_report_gives_the_same_page() -> None:
    assert render(sample_report()) == render(sample_report())
