"""The phone's page in a real Chromium: `EDGESMITH_CHROMIUM` names its program (Debian: apt install chromium)."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.deploy.base import DYNAMIC
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.parity import compare
from edgesmith.devices.base import Session
from edgesmith.devices.blocks.bench import Effort, Efforts
from edgesmith.devices.blocks.times import measure_blocks
from edgesmith.devices.browser.address import HubAddress, published
from edgesmith.devices.browser.device import BrowserDevice
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.runtimes.table import RUNTIMES
from edgesmith.web.phone_state import Patience
from tests.runtimes.graphs import write_graph
from tests.web.fake_page import TOKEN, serving
from tests.web.test_phone_device import device_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright, Route

PROGRAM = os.environ.get("EDGESMITH_CHROMIUM", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM, reason="EDGESMITH_CHROMIUM names no Chromium"),
]

# What an insecure address is told, which the page says in words of its own.
_IGNORED = "Cross-Origin-Opener-Policy header has been ignored"
NETS = ("mobilenet_v3_small@resolution=96", "mobilenet_v3_large@resolution=96")
PATIENCE = Patience(hidden_s=3.0)
SHORT = Plan(loads=1, load_s=0.05, warmup_s=0.1, min_loads=4, enough_loads=4, max_loads=6)
ENDLESS = replace(SHORT, loads=1000)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    library = pytest.importorskip("playwright.sync_api", reason="playwright comes with edgesmith[dev]")
    with library.sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubAddress]:
    with serving(tmp_path_factory.mktemp("runs"), patience=PATIENCE) as address:
        yield address


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Two nets of the zoo whose norms are calibrated: those of untrained ones answer next to nothing."""
    pytest.importorskip("torch", reason="torch comes with edgesmith[train]")
    from edgesmith.arch.zoo.names import find
    from edgesmith.nn.build import build
    from tests.nn.nets import calibrate

    folder = tmp_path_factory.mktemp("nets")
    files = []
    for number, name in enumerate(NETS):
        spec = find(name)
        files.append(folder / f"{number}.onnx")
        get_exporter("onnx").export(calibrate(build(spec)).eval(), spec, files[-1], options=DYNAMIC)
    return tuple(files)


@contextmanager
def opened(browser: Browser, address: str, *, name: str = "fake", script: str = "") -> Iterator[Page]:
    """The page in a browser of its own, ready for jobs."""
    context = browser.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    if script:
        page.add_init_script(script)
    page.goto(f"{address}{'&' if '?' in address else '?'}name={name}")
    page.get_by_text(f"Ready as browser:{name}").wait_for(timeout=60_000)
    assert not [problem for problem in problems if _IGNORED not in problem]
    try:
        yield page
    finally:
        context.close()


@pytest.fixture
def folder(hub: HubAddress, tmp_path: Path) -> Iterator[Path]:
    with published(hub, tmp_path / "web"):
        yield tmp_path / "web"


def meanwhile(work: Callable[[], Any], device: BrowserDevice, files: tuple[Path, ...], plan: Plan) -> Session:
    """A session in a thread, while this one drives the browser, as Playwright wants it."""
    found: list[Session] = []
    failed: list[Exception] = []

    def go() -> None:
        try:
            found.append(device.time(files, plan))
        except DeviceError as error:
            failed.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        work()
    finally:
        thread.join()
    if failed:
        raise failed[0]
    return found[0]


def hide(page: Page, *, hidden: bool = True) -> None:
    """What a browser does when another tab comes to the front."""
    value = str(hidden).lower()
    page.evaluate(f"Object.defineProperty(document, 'hidden', {{ value: {value}, configurable: true }})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def at_work(page: Page) -> None:
    page.get_by_text("loading 1 of").wait_for(timeout=60_000)


def test_a_pair_of_nets_is_measured_and_told_apart(
    browser: Browser, hub: HubAddress, folder: Path, nets: tuple[Path, ...]
) -> None:
    with opened(browser, hub.page) as page:
        device = device_of(folder)
        subjects = [Subject(name=name, files={"onnx": file}) for name, file in zip(NETS, nets, strict=True)]
        found = measure(subjects, [device], plan=SHORT)
        (pair,) = found.comparisons
        assert (pair.a, pair.b, pair.device) == (*NETS, "browser:fake")
        assert pair.ratio < 0.8, "V3-Small has a quarter of the multiply-adds"
        assert pair.verdict != "slower", "a busy machine may leave it open, but never say the opposite"
        assert all(0.1 < each.ms < 10_000 and each.first_run_ms > 0 for each in found.latency)
        fingerprint = found.latency[0].fingerprint
        assert (fingerprint.runtime, fingerprint.threads) == ("onnxruntime-web", 1)
        assert "isolated=yes" in fingerprint.options
        assert page.locator("#log li").count() >= 2
        assert page.get_by_text("stopped").count() == 0, "what is being sent was taken for a stopped job"
        assert page.locator("#fact-threads").inner_text() in ("1", f"up to {os.cpu_count()}")


@pytest.mark.parametrize("index", [0, 1])
def test_outputs_agree_with_onnxruntime(
    browser: Browser, hub: HubAddress, folder: Path, nets: tuple[Path, ...], index: int
) -> None:
    images = np.random.default_rng(0).standard_normal((3, 3, 96, 96)).astype(np.float32)
    (expected,) = RUNTIMES["onnxruntime"].load(nets[index]).run_all(images)
    with opened(browser, hub.page):
        device = device_of(folder)
        (first,), (second,) = device.run(nets[index], images), device.run(nets[index], images[:1])
    assert expected.std() > 0.1, "the net's norms are not calibrated"
    assert compare(expected, first).relative < 1e-4
    assert compare(expected[:1], second).relative < 1e-4


def test_files_of_several_outputs_types_and_open_sizes_run(
    browser: Browser, hub: HubAddress, folder: Path, tmp_path: Path
) -> None:
    file = write_graph(tmp_path / "two.onnx", outputs=2, uint8=True)
    images = np.arange(96, dtype=np.uint8).reshape(2, 3, 4, 4)
    with opened(browser, hub.page):
        device = device_of(folder)
        found = device.run(file, images)
        session = device.time([file], SHORT)
    for ours, theirs in zip(found, RUNTIMES["onnxruntime"].load(file).run_all(images), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert all(sample.wall_ms * sample.runs > 49.9 for sample in session.samples)
    assert min(sample.runs for sample in session.samples) > 1


def test_two_threads_give_the_same_outputs(
    browser: Browser, hub: HubAddress, folder: Path, nets: tuple[Path, ...]
) -> None:
    images = np.random.default_rng(1).standard_normal((1, 3, 96, 96)).astype(np.float32)
    (expected,) = RUNTIMES["onnxruntime"].load(nets[0]).run_all(images)
    claim = "Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 })"
    with opened(browser, hub.page, script=claim):
        device = device_of(folder, "browser:fake:threads=2")
        (found,) = device.run(nets[0], images)
        assert device.fingerprint().threads == 2
    assert compare(expected, found).relative < 1e-4


def test_webgpu_computes_the_same(
    playwright: Playwright, hub: HubAddress, folder: Path, nets: tuple[Path, ...]
) -> None:
    images = np.random.default_rng(1).standard_normal((1, 3, 96, 96)).astype(np.float32)
    (expected,) = RUNTIMES["onnxruntime"].load(nets[0]).run_all(images)
    flags = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    browser = playwright.chromium.launch(executable_path=PROGRAM, args=flags)
    with opened(browser, hub.page) as page:
        if page.locator("#fact-webgpu").inner_text() != "yes":
            pytest.skip("this Chromium has no WebGPU, not even in software")
        device = device_of(folder, "browser:fake:backend=webgpu")
        (found,) = device.run(nets[0], images)
        session = device.time(nets[:1], SHORT)
    browser.close()
    assert compare(expected, found).relative < 1e-4
    assert "backend=webgpu" in session.fingerprint.options


def test_an_insecure_address_loses_threads_and_says_so(
    browser: Browser, tmp_path: Path, nets: tuple[Path, ...]
) -> None:
    with serving(tmp_path / "runs", patience=PATIENCE, host="0.0.0.0") as hub, published(hub, tmp_path / "web"):
        if hub.page.startswith("http://127."):
            pytest.skip("this machine has no address but its own")
        with opened(browser, f"{hub.page}?token={TOKEN}") as page:
            assert "one thread only" in page.locator("#warning-insecure").inner_text()
            with pytest.raises(DeviceError, match=r"may use one thread only.*HTTPS"):
                device_of(tmp_path / "web", "browser:fake:threads=2")
            session = device_of(tmp_path / "web").time(nets[:1], SHORT)
            assert "isolated=no" in session.fingerprint.options


def test_a_damaged_file_is_one_line(browser: Browser, hub: HubAddress, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"not a net")
    with opened(browser, hub.page), pytest.raises(DeviceError, match=r"^browser:fake: ") as caught:
        device_of(folder).time([file], SHORT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (413, "That is more than the 101 MB that are taken here.\n", "That is more than the 101 MB"),
        (404, '{"error": {"problem": "unknown", "message": "this page has no such job"}}', "this page has no such job"),
        (502, "", r"the hub refused the result \(502\)"),
    ],
)
def test_a_result_that_is_refused_is_said_on_both_sides(
    browser: Browser, hub: HubAddress, folder: Path, nets: tuple[Path, ...], status: int, body: str, words: str
) -> None:
    refused: list[str] = []

    def once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=status, body=body)

    with opened(browser, hub.page) as page:
        page.route("**/phone/pages/*/jobs/*", once)
        logged = page.locator("#log").get_by_text(re.compile(words))
        with pytest.raises(DeviceError, match=f"^browser:fake: {words}"):
            meanwhile(lambda: logged.wait_for(timeout=60_000), device_of(folder), nets[:1], SHORT)
        page.unroute_all()  # else the page's farewell is caught too, and its name stays taken
        assert len(refused) == 1
        assert page.get_by_text("Ready as browser:fake").count() == 1


def test_what_was_timed_while_hidden_is_done_again(
    browser: Browser, hub: HubAddress, folder: Path, nets: tuple[Path, ...]
) -> None:
    with opened(browser, hub.page) as page:

        def glance_away() -> None:
            at_work(page)
            hide(page)
            time.sleep(1)
            hide(page, hidden=False)

        session = meanwhile(glance_away, device_of(folder), nets, replace(SHORT, loads=4))
    assert session.num_loads == 4
    assert any("1 loading thrown away and done again" in note for note in session.conditions.notes)


def _closed(page: Page) -> None:
    page.close()


def _killed(page: Page) -> None:
    """The tab's process ends without a word."""
    from playwright.sync_api import Error

    with contextlib.suppress(Error):
        page.goto("chrome://crash", timeout=5000)


def _navigated(page: Page) -> None:
    page.goto("about:blank")


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (_navigated, "its page was closed; open it again and repeat the command"),
        (_closed, "its page was closed"),
        (_killed, "its page was closed, the phone is asleep, or the network is gone"),
        (hide, "its page has been hidden for .*; bring it to the front"),
    ],
)
def test_a_tab_that_goes_away_is_one_line(
    browser: Browser,
    hub: HubAddress,
    folder: Path,
    nets: tuple[Path, ...],
    end: Callable[[Page], None],
    message: str,
) -> None:
    with opened(browser, hub.page) as page:

        def go() -> None:
            at_work(page)
            end(page)

        begun = time.monotonic()
        with pytest.raises(DeviceError, match=f"^browser 'fake' did not finish: {message}") as caught:
            meanwhile(go, device_of(folder), nets, ENDLESS)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begun < 60


def test_blocks_are_timed_in_the_page(browser: Browser, hub: HubAddress, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch comes with edgesmith[train]")
    from edgesmith.arch.zoo.names import find

    name = "mobilenet_v3_small@resolution=32,width=0.35"
    plan = Plan(loads=1, load_s=0.01, min_rounds=2, max_rounds=2, samples=1, warmup_runs=2, warmup_s=0.02)
    efforts = Efforts(pieces=Effort(plan=replace(plan, loads=2), enough=1, most=2, files=16, company=3))
    with opened(browser, hub.page):
        blocks = measure_blocks(
            name, find(name), device_of(folder), cache=tmp_path / "cache", processes=1, efforts=efforts
        )
    assert len(blocks) > 10
    assert sum(block.share for block in blocks) == pytest.approx(1)
    assert all(np.isfinite(block.ms) for block in blocks)
