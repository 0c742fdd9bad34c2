"""Files of a served run, bundle or job that are links to elsewhere: no page reads, shows or sends them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from edgesmith.core.files import write_json
from edgesmith.deploy.bundle import Bundle
from edgesmith.report import content
from edgesmith.web.candidates import find_candidate
from edgesmith.web.jobs import JOB_NAME, LOG_NAME, OUTPUT_NAME, Jobs
from edgesmith.web.places import file_inside, files_inside
from edgesmith.web.run_view import forecast_s, list_stages, read_report
from edgesmith.web.scan import JOBS_NAME
from tests.data.builders import encode, noise
from tests.web.folders import local_client

SECRET = "what-nobody-may-see"
RUN = "fit-flowers"
BUNDLE = f"{RUN}/bundle"
# A file of the run, and words in it that a page shows.
SHOWN = {
    "run.json": "flowers",
    "result.json": "onnxruntime",
    "report.json": "flowers",
    "report.html": "flowers",
    "bundle/bundle.json": "onnxruntime",
    "bundle/model_card.md": "onnxruntime",
    "bundle/sample_onnxruntime.py": "import",
}
ADDRESSES = (
    "/",
    "/live/home",
    f"/run/{RUN}",
    f"/live/run/{RUN}",
    f"/report/{RUN}",
    f"/pareto/{RUN}",
    f"/candidate/7/{RUN}",
    "/bundles",
    f"/bundle/{BUNDLE}",
    f"/bundle-zip/{BUNDLE}",
    *(f"/bundle-file/{name.partition('/')[2]}/{BUNDLE}" for name in SHOWN if name.startswith("bundle/")),
    f"/try/{BUNDLE}",
    f"/compare?a={BUNDLE}&b={BUNDLE}",
    "/jobs?verb=measure",
)


@pytest.fixture
def run(served: Path, tmp_path: Path) -> Path:
    """A finished fit in a served folder of its own."""
    return Path(shutil.copytree(served / RUN, tmp_path / "root" / RUN))


def move_out(path: Path) -> Path:
    """Take a file or folder out of the served folder, and leave a link to it."""
    outside = next(parent for parent in path.parents if parent.name == "root").parent / "outside"
    outside.mkdir(exist_ok=True)
    moved = outside / path.name
    path.rename(moved)
    path.symlink_to(moved)
    return moved


def shows(client: TestClient) -> bool:
    """Whether any page holds the secret; none may break."""
    answers = {address: client.get(address) for address in ADDRESSES}
    assert {answer.status_code for answer in answers.values()} <= {200, 400, 404}
    return any(SECRET in answer.content.decode("utf-8", "replace") for answer in answers.values())


@pytest.mark.parametrize("name", SHOWN)
def test_no_page_shows_a_linked_file(run: Path, name: str) -> None:
    client, path = local_client(run.parent), run / name
    path.write_text(path.read_text().replace(SHOWN[name], SECRET))
    assert shows(client), "a page shows this file, so this test means something"
    move_out(path)
    assert not shows(client)


def test_a_linked_model_is_neither_sent_nor_asked(run: Path) -> None:
    moved = move_out(run / "bundle" / "model.onnx")
    client = local_client(run.parent)
    assert client.get(f"/bundle-file/model.onnx/{BUNDLE}").status_code == 404
    assert moved.read_bytes() not in client.get(f"/bundle-zip/{BUNDLE}").content
    answer = client.post(f"/try/{BUNDLE}", files={"picture": ("a.png", encode(noise()))})
    assert answer.status_code == 400
    assert "No file of this bundle can be run here." in answer.text


def test_a_linked_bundle_is_not_measured(run: Path) -> None:
    move_out(run / "bundle" / "bundle.json")
    fields = {"model": [BUNDLE], "device": "onnxruntime", "threads": "1"}
    answer = local_client(run.parent).post("/jobs/new/measure", data=fields)
    assert answer.status_code == 400
    assert "there is no bundle" in answer.text


def test_a_run_with_a_linked_result_counts_as_unfinished(run: Path) -> None:
    move_out(run / "result.json")
    page = local_client(run.parent).get("/live/home").text
    assert "finished" not in page


def _stages(run: Path) -> object:
    return list_stages(run)


def _spec(run: Path) -> object:
    report = read_report(run)
    assert report is not None
    number = next(n for n, row in enumerate(report.candidates, 1) if row.outcome is content.Outcome.WINNER)
    found = find_candidate(run, report, number)
    return found is not None and found.spec


def _trainings(run: Path) -> object:
    report = read_report(run)
    assert report is not None
    found = find_candidate(run, replace(report), 7)
    return found is not None and [title for title, _ in found.trainings if "whole" in title]


@pytest.mark.parametrize(
    ("path", "look"),
    [
        ("stages", _stages),
        ("stages/choose.json", lambda run: dict(list_stages(run)).get("choose candidates")),
        ("stages", forecast_s),
        ("stages/plan.json", forecast_s),
        ("stages", _spec),
        ("stages/choose.json", _spec),
        ("train", _trainings),
        ("train/events.jsonl", _trainings),
    ],
)
def test_what_lies_deeper_in_a_run_is_not_read_through_links(
    run: Path, path: str, look: Callable[[Path], object]
) -> None:
    assert look(run)
    move_out(run / path)
    assert not look(run)


def test_a_link_within_the_run_is_a_file_like_others(run: Path) -> None:
    (run / "report.html").rename(run / "page.html")
    (run / "report.html").symlink_to("page.html")
    assert file_inside(run, "report.html") == run / "report.html"
    assert run / "report.html" in files_inside(run, "*.html")
    assert local_client(run.parent).get(f"/report/{RUN}").status_code == 200


@pytest.mark.parametrize("name", [JOB_NAME, LOG_NAME, OUTPUT_NAME, ""])
def test_jobs_are_not_read_through_links(run: Path, name: str, tiny_bundle: Bundle) -> None:
    key = "20260101-000000-abcdef"
    folder = run.parent / JOBS_NAME / key
    told = {"num_images": 3, "problems": [], "classes": {SECRET: 3}}
    job = {"key": key, "verb": "check", "title": SECRET, "arguments": ["check"], "created_at": time.time(), "pid": 0}
    write_json(folder / JOB_NAME, job | {"title": "a check" if name in (LOG_NAME, OUTPUT_NAME) else SECRET})
    (folder / LOG_NAME).write_text(SECRET if name in (LOG_NAME, "") else "a note")
    write_json(folder / OUTPUT_NAME, told if name in (OUTPUT_NAME, "") else told | {"classes": {"a": 3}})
    client = local_client(run.parent)
    pages = (f"/jobs/{key}", f"/live/job/{key}", "/jobs", "/")
    assert any(SECRET in client.get(page).text for page in pages)
    move_out(folder / name if name else folder)
    assert not any(SECRET in client.get(page).text for page in pages)
    if name in (JOB_NAME, ""):
        assert Jobs(folder.parent).all() == []
