"""The pages in a real browser: how they look at two widths in light and dark, and a fit from upload to answer.

EDGESMITH_CHROMIUM names the browser; EDGESMITH_AXE, where it names axe-core's ``axe.min.js``, adds its checks.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from edgesmith.recipes.quickstart import write_digits
from edgesmith.web.processes import end_group
from tests.web.folders import write_training
from tests.web.test_pages import ERROR, PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser whose camera is Chromium's own moving picture."""
    path = os.environ.get("EDGESMITH_CHROMIUM")
    if not path:
        pytest.skip("no browser; set EDGESMITH_CHROMIUM to the path of a Chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    options = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=path, args=options)
        yield made
        made.close()


@pytest.fixture(scope="module")
def root(shown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A served folder that these tests may write into."""
    return Path(shutil.copytree(shown, tmp_path_factory.mktemp("browser") / "runs", symlinks=True))


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    """A server over it."""
    command = [sys.executable, "-m", "edgesmith", "web", str(root), "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert server.stderr is not None
    match = re.search(r"at (http://\S+)/ ", server.stderr.readline())
    assert match
    yield match[1]
    end_group(server.pid, is_alive=lambda: server.poll() is None)
    server.stderr.close()


@pytest.fixture(scope="module", autouse=True)
def phone(browser: Browser, address: str) -> Iterator[None]:
    """A page that stays open, so that the desk has a phone to show."""
    page = browser.new_page()
    page.goto(f"{address}/phone?name=pixel")
    page.get_by_text("Ready as browser:pixel").wait_for(timeout=120_000)
    yield
    page.close()


def open_page(browser: Browser, width: int, scheme: Any) -> tuple[Page, list[str]]:
    """A page, and what its console complains of."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_their_window_and_complain_of_nothing(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    page, complaints = open_page(browser, width, scheme)
    for path in PAGES:
        page.goto(address + path)
        if path == ERROR:
            assert "404" in complaints.pop()
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{path} at {width}: {over} pixels too wide"
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert light == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(17, 23, 29)")
        assert page.evaluate("crossOriginIsolated")
    assert complaints == []
    page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(browser: Browser, address: str, width: int, scheme: str) -> None:
    source = os.environ.get("EDGESMITH_AXE")
    if not source:
        pytest.skip("no axe-core; set EDGESMITH_AXE to its axe.min.js (npm install axe-core)")
    page, _ = open_page(browser, width, scheme)
    for path in PAGES:
        page.goto(address + path)
        page.evaluate(Path(source).read_text())
        found = page.evaluate("axe.run().then((result) => result.violations.map((v) => [v.id, v.nodes[0].html]))")
        assert found == [], path
    page.close()


def test_the_keyboard_reaches_content_and_candidates(browser: Browser, address: str) -> None:
    page, _ = open_page(browser, 1280, "light")
    page.goto(f"{address}/pareto/fit-flowers")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('svg') !== null"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/candidate/*/fit-flowers")
    page.close()


def test_a_running_run_moves_on_by_itself(browser: Browser, address: str, root: Path) -> None:
    write_training(root / "train-now", pictures=1200)
    page, complaints = open_page(browser, 390, "light")
    page.goto(f"{address}/run/train-now")
    page.wait_for_selector("text=1,200 of 4,800 pictures")
    write_training(root / "train-now", pictures=2400)
    page.wait_for_selector("text=2,400 of 4,800 pictures")
    assert complaints == []
    page.close()


def test_a_picture_of_the_camera_is_answered(browser: Browser, address: str) -> None:
    page, complaints = open_page(browser, 390, "light")
    page.goto(f"{address}/try/fit-flowers/bundle")
    page.click("text=Use the camera")
    page.click("text=Take the picture")
    page.wait_for_selector("#answer img")
    assert complaints == []
    page.close()


def assert_measured(packed: Path, *, device: str) -> None:
    """That a bundle as it was downloaded holds a file that runs, and what that file was measured to take."""
    with zipfile.ZipFile(packed) as archive:
        files = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["bundle.json"])
    (latency,) = [record for record in manifest["latency"] if record["device"] == device]
    assert 0 < latency["low_ms"] <= latency["ms"] <= latency["high_ms"] < 3
    (record,) = [record for record in manifest["files"] if record["path"] == "model.onnx"]
    assert hashlib.sha256(files["model.onnx"]).hexdigest() == record["sha256"]
    session = onnxruntime.InferenceSession(files["model.onnx"])
    (shown,) = session.get_inputs()
    shape = [size if isinstance(size, int) else 1 for size in shown.shape]
    (scores,) = session.run(None, {shown.name: np.zeros(shape, np.float32)})
    assert scores.shape == (1, 2)


def test_a_fit_from_the_upload_to_a_measured_file_and_an_answer(browser: Browser, address: str, tmp_path: Path) -> None:
    write_digits(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as whole, zipfile.ZipFile(tmp_path / "two.zip", "w") as part:
        names = [name for name in whole.namelist() if name.split("/")[1] in ("0", "1")]
        for name in names:
            part.writestr(name, whole.read(name))
        zero = next(name for name in names if name.startswith("val/0/"))
        (tmp_path / "zero.png").write_bytes(whole.read(zero))
    page, complaints = open_page(browser, 1280, "light")
    page.set_default_timeout(180_000)  # a busy machine imports torch for a minute
    page.goto(f"{address}/jobs?verb=fit")
    page.set_input_files("#archive", tmp_path / "two.zip")
    page.fill("#budget", "3ms")
    page.fill("#time", "60s")
    page.fill("#name", "fit-browser")
    page.select_option("#weights", "none")
    page.click("text=Start the fit")
    page.wait_for_url("**/jobs/*-*")
    page.reload()
    page.wait_for_selector("progress")
    page.wait_for_selector("#job .state.finished, #job .state.failed", timeout=1_200_000)
    assert page.locator("#job .state").inner_text() == "finished", page.locator("#job").inner_text()
    page.click("text=To the run")
    page.wait_for_selector("h1:has-text('of new pictures right')")
    page.click("text=The bundle")
    with page.expect_download() as taken:
        page.click("text=Everything as a zip")
    assert_measured(Path(taken.value.path()), device="onnxruntime")
    page.click("text=Try a picture")
    page.set_input_files("#picture", tmp_path / "zero.png")
    page.click("text=What is it?")
    page.wait_for_selector("#answer img")
    shown = page.locator("#answer .guess-name").all_inner_texts()
    assert sorted(text.strip() for text in shown) == ["0", "1"]
    assert complaints == []
    page.close()
