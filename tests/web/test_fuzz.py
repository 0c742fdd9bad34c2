"""Thousands of requests that nobody meant: none ends in a fault of ours, and none writes outside the jobs' folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig
from edgesmith.web.headers import HEADERS
from edgesmith.web.jobs import Jobs
from edgesmith.web.scan import JOBS_NAME
from tests.web.asgi import call

WORDS = (
    "run", "live", "report", "pareto", "candidate", "bundle", "bundles", "bundle-file", "bundle-zip", "try", "compare",
    "jobs", "new", "fit", "check", "measure", "stop", "resume", "remove", "static", "home", "job", "model.onnx",
    "fit-flowers", "train-now", "imported", "two.zip", "..", ".", "", "1", "-1", "web.css", "%2e%2e", "\\",
    "\x00", "link",
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
queries = st.dictionaries(
    st.sampled_from(("a", "b", "verb", "token", "model")) | text, st.sampled_from(VALUES) | text, max_size=3
)
hosts = st.sampled_from([b"127.0.0.1", b"localhost:8770", b"evil.example"]) | st.binary(max_size=8)
origins = st.sampled_from([b"http://127.0.0.1", b"http://localhost:8770", b"null", None]) | st.binary(max_size=8)
# Method, path, query, host, origin, and content type with body.
Request = tuple[str, str, dict[str, str], bytes, bytes | None, tuple[bytes, bytes]]


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


requests = st.tuples(
    st.sampled_from(["GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE"]), paths, queries, hosts, origins, forms()
)


@pytest.fixture(scope="module")
def app(served: Path) -> FastAPI:
    """The application, whose jobs do nothing."""
    made = create_app(WebConfig(folder=served))
    made.state.jobs = Jobs(served / JOBS_NAME, command=(sys.executable, "-c", "pass"))
    return made


def outside_jobs(root: Path) -> dict[str, int]:
    """All files around the served folder, with their sizes."""
    found = (path for path in root.parent.rglob("*") if path.is_file() and JOBS_NAME not in path.parts)
    return {str(path): path.stat().st_size for path in found}


def try_one(app: FastAPI, request: Request) -> None:
    method, path, query, host, origin, (kind, body) = request
    headers = [(b"host", host), (b"content-type", kind), *([] if origin is None else [(b"origin", origin)])]
    raw = "&".join(f"{key}={value}" for key, value in query.items()).encode("utf-8", "replace")
    answer = call(app, method, path, query=raw, headers=headers, body=[body])
    assert answer.status < 500, (answer.status, request)
    assert b"Traceback" not in answer.body
    assert set(HEADERS) <= set(answer.headers)
    assert host in (b"127.0.0.1", b"localhost:8770") or answer.status == 421
    if method in ("PUT", "DELETE"):
        assert answer.status in (403, 404, 405, 421)


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
