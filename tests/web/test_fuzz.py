"""Thousands of requests that nobody meant: none ends in a fault of ours, and none writes outside the jobs' folder."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgesmith.devices.browser.protocol import About
from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig
from edgesmith.web.headers import HEADERS
from edgesmith.web.jobs import Jobs
from edgesmith.web.phone import RUNTIME_VERSION
from edgesmith.web.phone_hub import Hub
from edgesmith.web.phone_state import Page, Patience
from edgesmith.web.scan import JOBS_NAME
from tests.web.asgi import call
from tests.web.fake_page import ABOUT
from tests.web.folders import TOKEN

# A page that is connected, and a file that it may be sent: what is right by chance goes on to what is behind.
PAGE_SECRET = "5" * 32
FILE = b"a file"
FILE_DIGEST = hashlib.sha256(FILE).hexdigest()
PAGE = {**ABOUT, "name": "pixel", "key": "k" * 16}
REQUEST = {
    "work": "time",
    "models": [{"sha256": FILE_DIGEST, "bytes": len(FILE)}],
    "threads": 1,
    "backend": "wasm",
    "plan": {},
}
OBJECTS: tuple[dict[str, Any], ...] = (
    PAGE,
    {"hidden": False, "job": ""},
    {"browser": "pixel", "request": REQUEST},
    REQUEST,
    {},
)
WORDS = (
    "run", "live", "report", "pareto", "candidate", "bundle", "bundles", "bundle-file", "bundle-zip", "try", "compare",
    "jobs", "new", "fit", "check", "measure", "stop", "resume", "remove", "static", "home", "job", "model.onnx",
    "fit-flowers", "train-now", "imported", "two.zip", "..", ".", "", "1", "-1", "web.css", "%2e%2e", "\\",
    "\x00", "link", "phone", "phones", "pages", "hub", "files", "wait", "browsers", "bye", "result",
    PAGE_SECRET, FILE_DIGEST, RUNTIME_VERSION, "onnxruntime-web", "ort.wasm.min.mjs",
)  # fmt: skip
FIELDS = (
    "data",
    "budget",
    "device",
    "threads",
    "effort",
    "time",
    "name",
    "model",
    "picture",
    "archive",
    "weights",
    "file",
)
VALUES = ("two.zip", "5ms", "onnxruntime", "1", "quick", "none", "fit-flowers/bundle", "../x", "new-run", "--json", "")

text = st.text(max_size=12)
parts = st.lists(st.sampled_from(WORDS) | text, max_size=6)
paths = parts.map(lambda words: "/" + "/".join(words))
hub_paths = st.sampled_from(
    (
        "/hub/browsers",
        "/hub/jobs",
        f"/hub/files/{FILE_DIGEST}",
        "/hub/jobs/x/result",
        "/phone/pages",
        f"/phone/pages/{PAGE_SECRET}/wait",
        f"/phone/pages/{PAGE_SECRET}/files/{FILE_DIGEST}",
        f"/phone/pages/{PAGE_SECRET}/jobs/x",
    )
)
queries = st.dictionaries(
    st.sampled_from(("a", "b", "verb", "token", "model")) | text, st.sampled_from(VALUES) | text, max_size=3
)
hosts = st.sampled_from([b"127.0.0.1", b"localhost:8770", b"evil.example"]) | st.binary(max_size=8)
origins = st.sampled_from([b"http://127.0.0.1", b"http://localhost:8770", b"null", None]) | st.binary(max_size=8)
bearers = st.sampled_from([None, None, b"Bearer " + TOKEN.encode(), b"Bearer wrong"]) | st.binary(max_size=8)
scalars = st.none() | st.booleans() | st.integers(-2, 2**70) | st.floats() | text
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3))
# Method, path, query, host, origin, bearer, and content type with body.
Request = tuple[str, str, dict[str, str], bytes, bytes | None, bytes | None, tuple[bytes, bytes]]


@st.composite
def forms(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A content type and a body: fields that are nearly right, or any bytes."""
    if draw(st.booleans()):
        return draw(st.sampled_from([b"", b"multipart/form-data", b"application/x-www-form-urlencoded"])), draw(
            st.binary(max_size=200)
        )
    body = b""
    for _ in range(draw(st.integers(0, 6))):
        name = draw(st.sampled_from(FIELDS) | text).encode("utf-8", "replace")
        file = draw(st.sampled_from([b"", b'; filename="a.zip"', b'; filename="../a.png"']))
        value = (
            draw(st.sampled_from(VALUES) | text).encode("utf-8", "replace")
            if draw(st.booleans())
            else draw(st.binary(max_size=60))
        )
        body += b'--zz\r\nContent-Disposition: form-data; name="' + name + b'"' + file + b"\r\n\r\n" + value + b"\r\n"
    return b"multipart/form-data; boundary=zz", body + draw(st.sampled_from([b"--zz--\r\n", b"", b"--zz"]))


@st.composite
def objects(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A content type and a body: an object that is nearly right, any JSON, or the bytes of a file."""
    if draw(st.integers(0, 4)) == 0:
        return b"application/octet-stream", draw(st.sampled_from([FILE, b"{", b"\x02\0\0\0{}", b"[" * 9000]))
    whole = dict(draw(st.sampled_from(OBJECTS)))
    for key in draw(st.lists(st.sampled_from(sorted(whole)) | text if whole else text, max_size=2)):
        whole[key] = draw(values)
    return b"application/json", json.dumps(whole if draw(st.booleans()) else draw(values)).encode()


requests = st.tuples(
    st.sampled_from(["GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE"]),
    paths | hub_paths,
    queries,
    hosts,
    origins,
    bearers,
    forms() | objects(),
)


@pytest.fixture(scope="module")
def app(served: Path) -> FastAPI:
    """The application, whose jobs do nothing."""
    made = create_app(WebConfig(folder=served, token=TOKEN))
    made.state.jobs = Jobs(served / JOBS_NAME, command=(sys.executable, "-c", "pass"))
    made.state.phones = hub = Hub(Patience(poll_s=0, look_s=0, page_s=1e9))
    hub._pages[PAGE_SECRET] = Page(about=About(**ABOUT, name="pixel"), key="k" * 16, seen_s=0, secret=PAGE_SECRET)
    return made


def outside_jobs(root: Path) -> dict[str, int]:
    """All files around the served folder, with their sizes."""
    found = (path for path in root.parent.rglob("*") if path.is_file() and JOBS_NAME not in path.parts)
    return {str(path): path.stat().st_size for path in found}


def try_one(app: FastAPI, request: Request) -> None:
    method, path, query, host, origin, bearer, (kind, body) = request
    headers = [(b"host", host), (b"content-type", kind)]
    headers += [(b"origin", origin)] if origin is not None else []
    headers += [(b"authorization", bearer)] if bearer is not None else []
    raw = "&".join(f"{key}={value}" for key, value in query.items()).encode("utf-8", "replace")
    answer = call(app, method, path, query=raw, headers=headers, body=[body])
    assert answer.status < 500, (answer.status, request)
    assert b"Traceback" not in answer.body
    assert set(HEADERS) <= set(answer.headers)
    assert host in (b"127.0.0.1", b"localhost:8770") or answer.status == 421
    if method in ("PUT", "DELETE") and not path.startswith("/hub/"):
        assert answer.status in (403, 404, 405, 421)
    if path.startswith("/hub/") and bearer != b"Bearer " + TOKEN.encode():
        assert answer.status in (401, 403, 404, 405, 421)


def fuzz(app: FastAPI, served: Path, *, count: int, same: bool) -> None:
    before = outside_jobs(served)

    @settings(
        max_examples=count, derandomize=same, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(requests)
    def all_of_them(request: Request) -> None:
        try_one(app, request)

    all_of_them()
    assert outside_jobs(served) == before


def test_some_hundred_requests(app: FastAPI, served: Path) -> None:
    fuzz(app, served, count=300, same=True)


@pytest.mark.slow
def test_ten_thousand_requests(app: FastAPI, served: Path) -> None:
    fuzz(app, served, count=10_000, same=False)


def test_what_is_right_in_the_mill_reaches_what_is_behind_the_gate(app: FastAPI) -> None:
    """So that the random requests have something to break."""
    own = [(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1")]
    process = [*own, (b"authorization", b"Bearer " + TOKEN.encode())]
    wait = call(app, "POST", f"/phone/pages/{PAGE_SECRET}/wait", headers=own, body=[json.dumps(OBJECTS[1]).encode()])
    assert wait.status == 200
    job = call(app, "POST", "/hub/jobs", headers=process, body=[json.dumps(OBJECTS[2]).encode()])
    assert job.status in (200, 409)
    assert call(app, "PUT", f"/hub/files/{FILE_DIGEST}", headers=process, body=[FILE]).status == 200
    assert b"pixel" in call(app, "GET", "/hub/browsers", headers=process).body
