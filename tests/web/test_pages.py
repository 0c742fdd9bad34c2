"""Every page on folders as verbs leave them: what it says, that it is well formed, where its links lead."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import edgesmith.web
from edgesmith.deploy.bundle import Bundle
from edgesmith.report.page import read_style
from tests.report.pages import Node, read_page
from tests.web.fake_page import ABOUT
from tests.web.folders import JOB, local_client, write_training

ERROR = "/nothing"
PAGES = {
    "/": "fit-flowers",
    "/run/fit-flowers": "84.5 % of new pictures right, in 1.17 ms each",
    "/run/train-now": "1,200 of 4,800 pictures, about 2 min left",
    "/run/train-then": "stopped",
    "/pareto/fit-flowers": "9 candidates on flowers.zip",
    "/candidate/1/fit-flowers": "dropped by cost",
    "/candidate/7/fit-flowers": "race, round 1",
    "/bundles": "imported/tiny & co",
    "/bundle/fit-flowers/bundle": "81.2 % top-1",
    "/bundle/imported/tiny%20%26%20co": "sample_onnxruntime.py",
    "/try/fit-flowers/bundle": "The picture is not kept",
    "/compare": "Compare two bundles",
    "/compare?a=fit-flowers/bundle&b=imported/tiny%20%26%20co": "1.15 to 1.20",
    "/jobs": "Fit a network",
    "/jobs?verb=check": "two.zip",
    "/jobs?verb=measure": "imported/tiny & co",
    f"/jobs/{JOB}": "edgesmith check two.zip --json",
    "/phones": "browser:pixel",
    "/phone": "While this page is open and in sight",
    ERROR: "There is no such page.",
}


@pytest.fixture
def client(shown: Path) -> TestClient:
    """A browser of an application with a job that is over, where a phone is connected too."""
    (shown / "train-now" / "events.jsonl").touch()
    client = local_client(shown)
    assert client.post("/phone/pages", json={**ABOUT, "name": "pixel", "key": "k" * 16}).status_code == 200
    return client


def page_of(client: TestClient, address: str) -> Node:
    answer = client.get(address)
    assert answer.status_code == (404 if address == ERROR else 200), answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return read_page(re.sub(r"<!doctype html>\n", "", answer.text))


@pytest.mark.parametrize(("address", "words"), PAGES.items())
def test_every_page_says_what_it_is_about(client: TestClient, address: str, words: str) -> None:
    page = page_of(client, address)
    assert words in " ".join(page.text.split())
    (main,) = page.find("main")
    assert len(main.find("h1")) == 1
    (title,) = page.find("title") if not page.find("svg") else page.find("head")[0].find("title")
    assert title.text.endswith(": edgesmith")


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_accessible_in_form(client: TestClient, address: str) -> None:
    page = page_of(client, address)
    identifiers = [node.attributes["id"] for node in page.walk() if "id" in node.attributes]
    assert len(identifiers) == len(set(identifiers))
    labels = {node.attributes["for"] for node in page.find("label") if "for" in node.attributes}
    inside = {id(field) for label in page.find("label") for field in label.walk()}
    for field in [*page.find("input"), *page.find("select")]:
        assert field.attributes.get("id") in labels or id(field) in inside, field.attributes
    assert all(image.attributes.get("alt") for image in page.find("img"))
    assert {head.attributes.get("scope") for head in page.find("th")} <= {"row", "col"}
    for table in page.find("div", kind="scroll"):
        assert (table.attributes["tabindex"], table.attributes["role"]) == ("0", "region")
        assert table.attributes["aria-label"]
    for section in page.find("section"):
        assert section.attributes["aria-labelledby"] in identifiers
    for svg in page.find("svg"):
        assert svg.attributes.get("aria-hidden") == "true" or svg.attributes.get("role") in ("img", "group")


@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_fetched_from_elsewhere_and_no_script_stands_in_a_page(client: TestClient, address: str) -> None:
    page = page_of(client, address)
    for script in page.find("script"):
        assert script.attributes["src"].startswith("/static/")
        assert not script.text.strip()
    assert not page.find("style")
    for node in page.walk():
        assert not [name for name in node.attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert re.match(r"/|#|data:image/|$", node.attributes.get(name, "/")), node.attributes


@pytest.mark.parametrize("address", PAGES)
def test_links_lead_somewhere(client: TestClient, address: str) -> None:
    page = page_of(client, address)
    identifiers = {node.attributes.get("id") for node in page.walk()}
    targets = {node.attributes["href"] for node in [*page.find("a"), *page.find("link")]}
    targets |= {script.attributes["src"] for script in page.find("script")}
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in identifiers
        else:
            assert client.get(target).status_code == 200, target


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    client = local_client(tmp_path / "runs")
    assert "edgesmith quickstart" in page_of(client, "/").text
    assert "No bundles yet" in page_of(client, "/bundles").text
    assert "Two bundles are needed" in page_of(client, "/compare").text
    assert "None yet" in page_of(client, "/jobs?verb=measure").text
    assert not (tmp_path / "runs").exists()


def test_the_plot_leads_to_each_candidate(client: TestClient) -> None:
    plots = page_of(client, "/pareto/fit-flowers").find("svg", kind="plot")
    links = [node.attributes["href"] for plot in plots[:2] for node in plot.find("a")]
    assert set(links) == {f"/candidate/{number}/fit-flowers" for number in range(1, 10)}
    assert all(plot.attributes["role"] == "group" for plot in plots[:2])


def test_the_published_networks_stand_beside_the_candidates(client: TestClient) -> None:
    section = page_of(client, "/pareto/fit-flowers").by_id("published")
    titles = [title.text for title in section.find("title")]
    assert any(text.startswith("mobilenet_v3_large\n75.2 % on ImageNet") for text in titles)
    for generation in "1234":
        assert section.find("g", kind=f"family-{generation}")


def test_the_winner_shows_blocks_curves_confusion_and_mistakes(client: TestClient, tiny_bundle: Bundle) -> None:
    page = page_of(client, "/candidate/7/fit-flowers")
    for key in ("facts", "training", "blocks", "confusion", "mistakes"):
        page.by_id(key)
    assert "the whole training" in page.text
    rows = page.by_id("blocks").find("tbody")[0].find("tr")
    assert len(rows) > len(tiny_bundle.manifest.spec.blocks)
    assert "There is no block table of onnxruntime" in page.by_id("blocks").text


def test_a_loser_shows_what_is_known_of_it(client: TestClient) -> None:
    page = page_of(client, "/candidate/1/fit-flowers")
    assert "estimated from its cost, not measured" in page.text
    assert "kept of the winner alone" in page.text
    assert not [node for node in page.walk() if node.attributes.get("id") == "confusion"]


def test_live_parts_end_with_the_run(client: TestClient) -> None:
    going = read_page(client.get("/live/run/train-now").text)
    assert going.by_id("run").attributes["data-live"] == "/live/run/train-now"
    assert going.find("progress")[0].attributes["value"] == "1200.0"
    over = read_page(client.get("/live/run/fit-flowers").text)
    assert "data-live" not in over.by_id("run").attributes


def test_a_run_that_cannot_be_read_is_named_and_hides_no_other(client: TestClient) -> None:
    text = page_of(client, "/").text
    assert "broken" in text
    assert "train-now" in text
    assert client.get("/run/broken").status_code == 400


def test_a_reports_own_page_may_run_nothing(client: TestClient) -> None:
    answer = client.get("/report/fit-flowers")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_files_are_the_bundles_own(client: TestClient, served: Path) -> None:
    folder = served / "fit-flowers" / "bundle"
    answer = client.get("/bundle-file/model.onnx/fit-flowers/bundle")
    assert answer.content == (folder / "model.onnx").read_bytes()
    assert answer.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(client.get("/bundle-zip/fit-flowers/bundle").content)) as archive:
        assert archive.testzip() is None
        packed = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert packed == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_a_manifest_does_not_name_stays(served: Path, tmp_path: Path) -> None:
    shutil.copytree(served / "fit-flowers" / "bundle", tmp_path / "b")
    (tmp_path / "b" / "notes.txt").write_text("private")
    (tmp_path / "outside").write_text("private")
    (tmp_path / "b" / "model_card.md").unlink()
    (tmp_path / "b" / "model_card.md").symlink_to(tmp_path / "outside")
    client = local_client(tmp_path)
    assert client.get("/bundle-file/notes.txt/b").status_code == 404
    assert client.get("/bundle-file/model_card.md/b").status_code == 404
    assert "private" not in client.get("/bundle/b").text
    with zipfile.ZipFile(io.BytesIO(client.get("/bundle-zip/b").content)) as archive:
        assert not {"notes.txt", "model_card.md"} & {name.rpartition("/")[2] for name in archive.namelist()}


def test_names_of_files_and_classes_are_shown_not_run(tmp_path: Path, tiny_bundle: Bundle) -> None:
    name = "<script>alert(1)<"
    write_training(tmp_path / name)
    text = local_client(tmp_path).get("/").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;" in text


def test_no_style_sheet_changes_what_another_one_draws() -> None:
    """A class belongs to the sheet whose rules begin with it."""
    folder = Path(edgesmith.web.__file__).parent / "static"
    sheets = [read_style(), *((folder / name).read_text() for name in ("web.css", "phone.css"))]
    begun = [set(re.findall(r"^\.([\w-]+)", sheet, re.MULTILINE)) for sheet in sheets]
    assert begun[2].isdisjoint(begun[0] | begun[1])
