"""Jobs from their forms to their results, with the real command."""

from __future__ import annotations

import io
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from edgesmith.devices.browser.address import published
from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig
from edgesmith.web.jobs import Job, Jobs, shown_command
from edgesmith.web.scan import JOBS_NAME
from tests.report.pages import read_page
from tests.web.fake_page import ABOUT, FakePage, serving
from tests.web.folders import ORIGIN, local_client


def follow(client: httpx2.Client, address: str, *, limit_s: float) -> str:
    """The live part of a job when it does not run any more."""
    deadline = time.monotonic() + limit_s
    while True:
        text = client.get(f"/live{address.replace('/jobs/', '/job/')}").text
        if "data-live" not in text:
            return text
        assert time.monotonic() < deadline, text
        time.sleep(0.2)


@pytest.fixture
def browser(served: Path) -> Iterator[TestClient]:
    """A client whose application ends with the test, and its jobs with it."""
    with local_client(served) as client:
        yield client
        for folder in (served / JOBS_NAME).glob("*"):
            client.post(f"/jobs/{folder.name}/stop")
            client.post(f"/jobs/{folder.name}/remove")
    shutil.rmtree(served / "fit-two", ignore_errors=True)


def test_a_check_of_pictures_in_the_folder(browser: TestClient, served: Path) -> None:
    answer = browser.post("/jobs/new/check", data={"data": "two.zip"})
    assert answer.status_code == 303
    address = answer.headers["location"]
    page = read_page(follow(browser, address, limit_s=120))
    assert "16 pictures" in page.text
    assert "finished" in page.text
    assert "edgesmith check two.zip --json" in browser.get(address).text
    assert browser.post(f"{address}/remove").headers["location"] == "/jobs"
    assert browser.get(address).status_code == 404


def test_a_check_of_pictures_that_were_sent(browser: TestClient, served: Path) -> None:
    content = (served / "two.zip").read_bytes()
    answer = browser.post("/jobs/new/check", files={"archive": ("mine.zip", io.BytesIO(content))})
    address = answer.headers["location"]
    kept = served / JOBS_NAME / address.rpartition("/")[2]
    assert (kept / "pictures.zip").read_bytes() == content
    assert "16 pictures" in follow(browser, address, limit_s=120)
    browser.post(f"{address}/remove")
    assert not kept.exists()


def test_a_connected_browser_can_be_chosen(served: Path, tmp_path: Path) -> None:
    app = create_app(WebConfig(folder=served))
    app.state.jobs = Jobs(tmp_path / "jobs", command=(sys.executable, "-c", "pass"))
    client = TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN}, follow_redirects=False)
    fields = {"model": ["fit-flowers/bundle"], "device": "browser:pixel", "threads": "2"}
    assert "unknown device" in client.post("/jobs/new/measure", data=fields).text
    page = client.post("/phone/pages", json={**ABOUT, "name": "pixel", "key": "k" * 16}).json()["page"]
    for verb in ("fit", "measure"):
        assert 'value="browser:pixel"' in client.get(f"/jobs?verb={verb}").text
    answer = client.post("/jobs/new/measure", data=fields)
    assert answer.status_code == 303
    job = app.state.jobs.get(answer.headers["location"].rpartition("/")[2])
    assert "--device=browser:pixel:threads=2" in job.arguments
    client.post(f"/phone/pages/{page}/bye")
    assert "browser:pixel" not in client.get("/jobs?verb=measure").text


@pytest.mark.slow
def test_a_bundle_is_measured_in_a_connected_browser(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path))
    shutil.copytree(served / "fit-flowers" / "bundle", tmp_path / "runs" / "bundle")
    with serving(tmp_path / "runs") as hub, published(hub):
        address = f"http://{hub.host}:{hub.port}"
        page = FakePage(hub)
        with httpx2.Client(base_url=address, headers={"origin": address}) as client:
            fields = {"model": ["bundle"], "device": "browser:fake", "threads": "1"}
            answer = client.post("/jobs/new/measure", data=fields)
            text = follow(client, answer.headers["location"], limit_s=300)
        page.close()
    (table,) = read_page(text).find("table", kind="latency")
    assert "browser:fake" in table.text


@pytest.mark.slow
def test_a_job_is_stopped_from_its_page_and_goes_on(browser: TestClient, served: Path) -> None:
    fields = {"data": "two.zip", "budget": "5ms", "device": "onnxruntime", "threads": "1", "effort": "quick"}
    answer = browser.post("/jobs/new/fit", data={**fields, "weights": "none", "name": "fit-two"})
    address = answer.headers["location"]
    assert "data-live" in browser.get(address).text
    busy = browser.post("/jobs/new/check", data={"data": "two.zip"})
    assert busy.status_code == 400
    assert "one job runs at a time" in busy.text
    assert "fit two.zip, 5ms" in browser.get("/").text
    assert browser.post(f"{address}/stop").status_code == 303
    assert "stopped" in follow(browser, address, limit_s=60)
    assert "Go on" in browser.get(address).text
    assert browser.post(f"{address}/resume").status_code == 303
    assert "Stop it" in browser.get(address).text
    browser.post(f"{address}/stop")


@pytest.mark.slow
def test_two_bundles_are_measured_together(browser: TestClient) -> None:
    fields = {"model": ["fit-flowers/bundle", "imported/tiny & co"], "device": "onnxruntime", "threads": "1"}
    answer = browser.post("/jobs/new/measure", data=fields)
    text = follow(browser, answer.headers["location"], limit_s=300)
    page = read_page(text)
    assert len(page.find("table", kind="latency")[0].find("tr")) == 3
    assert "cannot tell" in page.text


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("/data/flowers.zip", "flowers.zip"),
        ("/served/fit-flowers/bundle", "fit-flowers/bundle"),
        ("--out=/served/fit-flowers", "--out=fit-flowers"),
        ("--out=/home/somebody/runs/fit-flowers", "--out=fit-flowers"),
        ("--out=/home/a=b/runs/fit", "--out=fit"),
        ("/runs/tiny & co", "'tiny & co'"),
        ("--device=onnxruntime:threads=2", "--device=onnxruntime:threads=2"),
        ("--json", "--json"),
    ],
)
def test_the_shown_command_has_no_path_of_this_machine(argument: str, shown: str) -> None:
    job = Job(key="a", verb="fit", title="", arguments=("fit", argument), created_at=0.0)
    assert shown_command(job, Path("/served")) == f"edgesmith fit {shown}"
