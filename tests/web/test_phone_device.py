"""The device `browser:NAME` over a real hub, with a page made of Python behind it."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError, EdgesmithError, UsageError
from edgesmith.devices.browser.address import HubAddress, published
from edgesmith.devices.browser.client import HubClient
from edgesmith.devices.browser.device import SAMPLE_MS, BrowserDevice, connect_browser
from edgesmith.devices.browser.protocol import Envelope
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.options import parse_devices
from edgesmith.devices.plan import Plan
from edgesmith.devices.statistics import Basis
from edgesmith.devices.steadiness import SLOWS_DOWN
from edgesmith.devices.sustained import Stretch, sustain
from edgesmith.devices.table import get_device
from edgesmith.runtimes.table import RUNTIMES
from tests.runtimes.graphs import write_graph
from tests.web.fake_page import FakePage, serving

SHORT = Plan(loads=1, min_rounds=3, max_rounds=3, min_loads=3, enough_loads=3, max_loads=3)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubAddress]:
    with serving(tmp_path_factory.mktemp("runs")) as address:
        yield address


@pytest.fixture
def left(hub: HubAddress, tmp_path: Path) -> Iterator[Path]:
    """The folder where the hub's address lies."""
    with published(hub, tmp_path / "web"):
        yield tmp_path / "web"


@pytest.fixture
def page(hub: HubAddress) -> Iterator[FakePage]:
    page = FakePage(hub)
    yield page
    page.close()


def device_of(folder: Path, text: str = "browser:fake") -> BrowserDevice:
    (choice,) = parse_devices(text, {}, elsewhere={"browser": "browser:pixel"})
    return connect_browser(choice, folder=folder)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    return write_graph(folder / "one.onnx"), write_graph(folder / "two.onnx", outputs=2)


def test_times_files_side_by_side_and_tells_which_is_faster(
    left: Path, page: FakePage, graphs: tuple[Path, Path]
) -> None:
    device = device_of(left)
    subjects = [Subject(name=file.stem, files={"onnx": file}) for file in graphs]
    found = measure(subjects, [device], plan=SHORT)
    sizes = [file.stat().st_size for file in graphs]
    assert [latency.ms for latency in found.latency] == pytest.approx([size / 1e3 for size in sizes], rel=0.01)
    assert [(each.device, each.verdict) for each in found.comparisons] == [("browser:fake", "faster")]
    session = found.sessions["browser:fake"]
    assert session.num_loads == 3
    assert all(sample.wall_ms * sample.runs >= 0.9 * SAMPLE_MS for sample in session.samples)
    assert session.conditions.notes == (
        "a sample is a loop of 50 ms or more, because the page's clock steps by 5 microseconds",
    )
    assert len(page.fetched) == 2, "a page keeps what it fetched"


def test_a_page_that_grows_slow_is_seen_when_it_runs_for_minutes(
    hub: HubAddress, left: Path, graphs: tuple[Path, Path]
) -> None:
    """The clock is the test's, and says when windows begin; the page's answers say how long runs take."""
    done: list[Envelope] = []

    def warm(envelope: Envelope) -> Envelope:
        done.append(envelope)
        factor = 1.0 if len(done) <= 8 else 1.3
        samples = [[*place, ms * factor, runs] for *place, ms, runs in envelope.head["samples"]]
        return Envelope(head={**envelope.head, "samples": samples})

    page, clock, rests = FakePage(hub, spoil=warm), itertools.count(step=5.0), list[float]()
    try:
        found = sustain(
            "one", graphs[0], device_of(left), Stretch(seconds=150), now_s=clock.__next__, sleep=rests.append
        )
    finally:
        page.close()
    assert rests == [30.0]
    assert len(found.windows) == len(done) == 15
    assert found.basis == Basis.LOW_WALL.value, "a page knows no time on the core"
    assert found.steadiness.verdict == SLOWS_DOWN
    assert found.windows[-1].ms / found.windows[0].ms == pytest.approx(1.3, rel=0.02)


def test_gives_the_outputs_of_the_file_to_the_bit(left: Path, page: FakePage, graphs: tuple[Path, Path]) -> None:
    images = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float32)
    found = device_of(left).run(graphs[1], images)
    for ours, theirs in zip(found, RUNTIMES["onnxruntime"].load(graphs[1]).run_all(images), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_fingerprint_is_the_pages(left: Path, page: FakePage) -> None:
    device = device_of(left, "browser:fake:threads=2")
    found = device.fingerprint()
    assert (found.runtime, found.version, found.threads, found.cpu, found.os) == (
        "onnxruntime-web",
        "1.30.0",
        2,
        "Linux x86, 2 cores",
        "Fake/1.0",
    )
    assert found.options == ("backend=wasm", "isolated=yes", "simd=yes")
    assert (device.name, device.format) == ("browser:fake:threads=2", "onnx")


@pytest.mark.parametrize(
    ("about", "text", "error", "message"),
    [
        (
            {},
            "browser:pixel",
            DeviceError,
            r"no browser 'pixel' is connected \(connected: fake\); open http://localhost",
        ),
        ({}, "browser:fakee", DeviceError, "did you mean 'fake'"),
        ({}, "browser:fake:threads=3", UsageError, "it has 2 cores; choose threads from 1 to 2"),
        ({"isolated": False}, "browser:fake:threads=2", DeviceError, "one thread only.*HTTPS"),
        ({}, "browser:fake:backend=webgpu", DeviceError, "found no usable adapter"),
        ({"secure": False}, "browser:fake:backend=webgpu", DeviceError, "insecure address"),
        ({"simd": False}, "browser:fake", DeviceError, "no SIMD"),
        ({}, "browser:fake:backend=webgl", UsageError, "unknown value of backend 'webgl'"),
        ({}, "browser:fake:layout=nchw", UsageError, "unknown option of device 'browser' 'layout'"),
        ({}, "browser:fake:int8", UsageError, "take float32 files"),
        ({}, "browser", UsageError, "needs the name that it registered under"),
        ({}, "browser:", UsageError, "needs the name that it registered under"),
        ({}, "browser:a b", UsageError, "got 'a b'; such as browser:pixel"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    hub: HubAddress, left: Path, about: dict[str, Any], text: str, error: type[EdgesmithError], message: str
) -> None:
    page = FakePage(hub, about=about)
    try:
        with pytest.raises(error, match=message) as caught:
            device_of(left, text)
        assert "\n" not in str(caught.value)
    finally:
        page.close()


def test_without_a_hub_it_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path))
    with pytest.raises(DeviceError, match="no hub for browsers runs here: start it with edgesmith web --host"):
        get_device("browser:pixel")


def test_a_hub_on_ipv6_is_spoken_to(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving(tmp_path / "runs", host="::1") as hub:
        assert HubClient(hub).browsers() == ()


def test_a_hub_that_is_gone_is_said(hub: HubAddress, tmp_path: Path) -> None:
    with (
        published(replace(hub, port=1), tmp_path),
        pytest.raises(DeviceError, match="the hub for browsers is gone: start edgesmith web again"),
    ):
        device_of(tmp_path)


def test_a_hub_with_https_is_known_by_its_own_certificate(tmp_path: Path, graphs: tuple[Path, Path]) -> None:
    pytest.importorskip("cryptography", reason="cryptography comes with edgesmith[web]")
    from edgesmith.web.certificate import certificate_for

    own, other = (certificate_for(["localhost"], tmp_path / name) for name in ("own", "other"))
    with serving(tmp_path / "runs", certificate=own) as hub:
        assert HubClient(hub).browsers() == ()
        with pytest.raises(DeviceError, match=r"does not answer.*certificate verify failed"):
            HubClient(replace(hub, certificate=str(other.certificate))).browsers()
        with pytest.raises(DeviceError, match=r"certificate .* cannot be read"):
            HubClient(replace(hub, certificate=str(tmp_path / "none.pem"))).browsers()


def _spoiled(envelope: Envelope) -> Envelope:
    return Envelope(head={**envelope.head, "seconds": float("nan")})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda _: Envelope(head={"error": "no kernel\nfor Foo"}), "^browser:fake: no kernel for Foo$"),
        (_spoiled, "browser 'fake' sent no result: seconds is a number from 0 to"),
        (lambda _: Envelope(head={}), "sent no result"),
    ],
)
def test_what_goes_wrong_in_the_page_is_one_line(
    hub: HubAddress, left: Path, graphs: tuple[Path, Path], spoil: Any, message: str
) -> None:
    page = FakePage(hub, spoil=spoil)
    try:
        with pytest.raises(DeviceError, match=message) as caught:
            device_of(left).time(graphs, SHORT)
        assert "\n" not in str(caught.value)
    finally:
        page.close()


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("vanish", "browser 'fake' did not finish: its page was closed, the phone is asleep, or the network is gone"),
        ("close", "browser 'fake' did not finish: its page was closed; open it again and repeat"),
        ("hide", "browser 'fake' did not finish: its page has been hidden for .*; bring it to the front"),
        ("reload", "browser 'fake' did not finish: its page was loaded anew"),
    ],
)
def test_a_page_that_goes_away_is_one_line(
    hub: HubAddress, left: Path, graphs: tuple[Path, Path], end: str, message: str
) -> None:
    busy = threading.Event()

    def never(_: Envelope) -> None:
        busy.set()

    page = FakePage(hub, spoil=never)
    others: list[FakePage] = []

    def go() -> None:
        busy.wait(10)
        time.sleep(0.1)
        if end == "hide":
            page.hidden = True
        elif end == "reload":
            others.append(FakePage(hub))
        else:
            getattr(page, end)()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        with pytest.raises(DeviceError, match=message) as caught:
            device_of(left).time(graphs, SHORT)
        assert "\n" not in str(caught.value)
    finally:
        thread.join()
        for each in [page, *others]:
            each.close()


def test_a_busy_browser_says_for_whom(hub: HubAddress, left: Path, graphs: tuple[Path, Path]) -> None:
    busy = threading.Event()

    def never(_: Envelope) -> None:
        busy.set()

    page = FakePage(hub, spoil=never)
    failures: list[str] = []

    def first() -> None:
        try:
            device_of(left).time(graphs, SHORT)
        except DeviceError as error:
            failures.append(str(error))

    thread = threading.Thread(target=first)
    thread.start()
    busy.wait(10)
    with pytest.raises(DeviceError, match=r"browser 'fake' is busy timing 2 files for .+ since .+; try again"):
        device_of(left).time(graphs, SHORT)
    page.close()
    thread.join()
    assert len(failures) == 1


def test_an_interrupted_process_stops_its_job(
    hub: HubAddress, left: Path, graphs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = FakePage(hub, spoil=lambda _: None)
    device = device_of(left)
    ask = device._client._ask

    def interrupted(method: str, path: str, body: bytes | None = None) -> Any:
        if method == "GET" and path.startswith("/hub/jobs/"):
            time.sleep(0.2)
            raise KeyboardInterrupt
        return ask(method, path, body)

    monkeypatch.setattr(device._client, "_ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        device.time(graphs, SHORT)
    for _ in range(100):
        if page.stopped:
            break
        time.sleep(0.02)
    assert len(page.stopped) == 1
    page.close()


def test_a_page_gets_files_of_its_own_job_only(hub: HubAddress, left: Path, graphs: tuple[Path, Path]) -> None:
    page, other = FakePage(hub), FakePage(hub, "other", about={"key": "o" * 16})
    try:
        device_of(left).time(graphs, SHORT)
        for each in (page, other):
            answer = json.loads(each.ask("GET", f"/phone/pages/{each.secret}/files/{page.fetched[0]}"))
            assert answer["error"]["message"] == "this page has no job with that file"
    finally:
        page.close()
        other.close()
