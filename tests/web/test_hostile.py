"""Names, pictures and archives that were made to do harm: each is answered in a line, and nothing is left behind."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from edgesmith.data import archives
from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig
from edgesmith.web.places import find_data, inside
from edgesmith.web.scan import JOBS_NAME
from tests.data.builders import encode, noise
from tests.web.asgi import call
from tests.web.folders import local_client

NAMES = (
    "..",
    "../secret",
    "../../../../etc/passwd",
    "fit-flowers/../../secret",
    "fit-flowers/../fit-flowers",
    "/etc",
    "//etc",
    "./fit-flowers",
    "fit-flowers/.",
    "fit-flowers//bundle",
    "..\\secret",
    "fit-flowers\\..\\..\\secret",
    "C:/Windows",
    "\x00",
    "fit-flowers\x00",
    "fit-flowers/bundle\nx",
    "\ud800",
    ".hidden",
    "x" * 5000,
    "a/" * 2000,
    "link-out",
    "link-out/run.json",
    "nothing",
    "two.zip",
    "",
)
PAGES = (
    "/run/{}",
    "/live/run/{}",
    "/report/{}",
    "/pareto/{}",
    "/candidate/1/{}",
    "/bundle/{}",
    "/bundle-zip/{}",
    "/bundle-file/model.onnx/{}",
    "/bundle-file/..%2f/{}",
    "/try/{}",
    "/static/{}",
)


@pytest.fixture
def guarded(served: Path) -> Path:
    """The served folder with a link out of it, and something beside it that nobody may see."""
    outside = served.parent / "secret"
    outside.mkdir(exist_ok=True)
    (outside / "run.json").write_text('{"verb": "the secret"}')
    (outside / "bundle.json").write_text("{}")
    link = served / "link-out"
    if not link.is_symlink():
        link.symlink_to(outside)
    return served


@pytest.mark.parametrize("page", PAGES)
def test_no_name_leads_out(guarded: Path, page: str) -> None:
    app = create_app(WebConfig(folder=guarded))
    for name in NAMES:
        answer = call(app, "GET", page.format(name))
        assert answer.status in (404, 400, 405), (page, name, answer.status)
        assert "the secret" not in answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "name", ["%2e%2e/secret", "..%2fsecret", "%2fetc%2fpasswd", "fit-flowers%2f..%2f..%2fsecret", "%5c.."]
)
def test_no_quoted_name_leads_out(guarded: Path, name: str) -> None:
    for page in PAGES:
        assert local_client(guarded).get(page.format(name)).status_code in (404, 400, 405)


@pytest.mark.parametrize("name", NAMES)
def test_the_function_itself_stays_inside(guarded: Path, name: str) -> None:
    path = inside(guarded, name)
    assert path is None or path == guarded / "two.zip"


def test_links_are_not_walked_into(guarded: Path) -> None:
    page = local_client(guarded).get("/").text
    assert "link-out" not in page
    assert "the secret" not in page


def test_pictures_are_found_in_served_folders_alone(guarded: Path) -> None:
    config = WebConfig(folder=guarded, data=(guarded.parent / "pictures",))
    assert find_data(config, "two.zip") == guarded / "two.zip"
    assert find_data(config, "train") == guarded.parent / "pictures" / "train"
    assert find_data(config, "../pictures") is None
    assert find_data(WebConfig(folder=guarded), "train") is None


def png_of(width: int, height: int) -> bytes:
    """A picture that claims to be large, in few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


PICTURES = {
    "bomb": (png_of(60000, 60000), "million pixels"),
    "cut short": (encode(noise(64, 64))[:200], "cut short or damaged"),
    "page": (b"<!doctype html><script>alert(1)</script>", "a web page or XML text"),
    "svg": (b"<svg onload=alert(1)>", "a web page or XML text"),
    "noise": (bytes(range(256)) * 40, "not a picture"),
    "zip": (b"PK\x03\x04" + b"\0" * 100, "not a picture"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_what_is_no_picture_is_told_in_a_line(client: TestClient, served: Path, kind: str) -> None:
    content, words = PICTURES[kind]
    before = {path: path.stat().st_mtime_ns for path in served.rglob("*")}
    answer = client.post("/try/fit-flowers/bundle", files={"picture": ("<b>.png", content)})
    assert answer.status_code == 400
    (told,) = re.findall(r'role="alert">([^<]*)<', answer.text)
    assert words in told
    assert "<script>alert" not in answer.text
    assert {path: path.stat().st_mtime_ns for path in served.rglob("*")} == before


def test_a_picture_over_the_limit_is_refused(served: Path) -> None:
    client = local_client(served, max_picture_bytes=1000)
    answer = client.post("/try/fit-flowers/bundle", files={"picture": ("a.jpg", encode(noise(200, 200)))})
    assert answer.status_code == 413


FORMS = (
    (b"multipart/form-data", b"x"),
    (b"multipart/form-data; boundary=b", b"--b\r\n"),
    (b"multipart/form-data; boundary=b", b"--c\r\nContent-Disposition: form-data\r\n\r\n"),
    (
        b"multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\xfe\r\n--b--\r\n',
    ),
    (b"multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 5000),
    (b"multipart/form-data; boundary=" + b"b" * 5000, b""),
    (
        b"multipart/form-data; boundary=b; charset=nonsense",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nq\r\n--b--\r\n',
    ),
    (b"application/x-www-form-urlencoded", b"a=%ff&" * 1000),
    (b"application/x-www-form-urlencoded", b"\xff\x00=&&&==" * 100),
    (b"application/json", b"{"),
    (b"", b"x"),
)


@pytest.mark.parametrize("path", ["/try/fit-flowers/bundle", "/jobs/new/check", "/jobs/new/fit", "/jobs/new/measure"])
@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_malformed_forms_are_refused(served: Path, path: str, form: tuple[bytes, bytes]) -> None:
    app = create_app(WebConfig(folder=served))
    kind, body = form
    headers = [(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1"), (b"content-type", kind)]
    answer = call(app, "POST", path, headers=headers, body=[body])
    assert answer.status == 400
    assert "Traceback" not in answer.text
    assert not list((served / JOBS_NAME).glob("*"))


def packed(write: Callable[[zipfile.ZipFile], None]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return buffer.getvalue()


def _link(archive: zipfile.ZipFile) -> None:
    member = zipfile.ZipInfo("a/x.png")
    member.external_attr = 0o120777 << 16
    archive.writestr(member, "/etc/passwd")


def _bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("a/0.png", b"\0" * 60_000_000)


def _leaving(archive: zipfile.ZipFile) -> None:
    archive.writestr("../../a.png", encode(noise()))


def _absolute(archive: zipfile.ZipFile) -> None:
    archive.writestr("/tmp/a.png", encode(noise()))


def _none(archive: zipfile.ZipFile) -> None:
    archive.writestr("a/readme.txt", "no pictures")


ARCHIVES = {
    "link": ("a.zip", packed(_link), "a link; pack the files themselves"),
    "bomb": ("a.zip", packed(_bomb), "times its size"),
    "leaving": ("a.zip", packed(_leaving), "a path that leaves the archive"),
    "absolute": ("a.zip", packed(_absolute), "a path that leaves the archive"),
    "empty": ("a.zip", packed(_none), "no pictures in the archive"),
    "no zip": ("a.zip", b"not a zip at all", "is not a zip archive"),
    "no tar": ("a.tar", b"not a tar at all" * 100, "is not a tar archive"),
    "no gzip": ("a.tar.gz", b"not a gzip at all", "is not a tar archive"),
    "no archive": ("a.exe", b"MZ", "pictures come as an archive"),
    "a name": ("../../../tmp/evil.zip/", b"PK", "pictures come as an archive"),
}


@pytest.mark.parametrize("verb", ["check", "fit"])
@pytest.mark.parametrize("kind", ARCHIVES)
def test_bad_archives_are_told_in_a_line_and_not_kept(
    served: Path, kind: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1 << 20)
    name, content, words = ARCHIVES[kind]
    fields = {"budget": "5ms", "device": "onnxruntime", "threads": "1", "effort": "quick"}
    answer = local_client(served).post(f"/jobs/new/{verb}", data=fields, files={"archive": (name, content)})
    assert answer.status_code == 400
    (told,) = re.findall(r'role="alert">([^<]*)<', answer.text)
    assert words in told
    assert not list((served / JOBS_NAME).glob("*"))
    assert not Path("/tmp/evil.zip").exists()


def test_an_archive_over_the_limit_is_not_kept(served: Path) -> None:
    client = local_client(served, max_archive_bytes=1000)
    answer = client.post("/jobs/new/check", files={"archive": ("a.zip", b"x" * 2000)})
    assert answer.status_code == 400
    assert "1 kB at most" in answer.text
    assert not list((served / JOBS_NAME).glob("*"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget": "fast"}, "the budget takes a number with a unit"),
        ({"budget": "5ms --out=/tmp/x"}, "the budget takes a number with a unit"),
        ({"device": "agent@evil.example:1/onnxruntime"}, "unknown device"),
        ({"device": "onnxruntime:threads=9999"}, "unknown device"),
        ({"threads": "1; rm"}, "threads are a number"),
        ({"effort": "heroic"}, "unknown effort"),
        ({"time": "soon"}, "the time takes a number with a unit"),
        ({"name": "../x"}, "run&#39;s name has letters"),
        ({"name": "--overwrite"}, "run&#39;s name has letters"),
        ({"name": "fit-flowers"}, "there is a finished run called fit-flowers"),
        ({"name": JOBS_NAME}, "run&#39;s name has letters"),
        ({"name": "link-out"}, "choose another name"),
        ({"data": "../secret"}, "there are no pictures called"),
        ({"data": "link-out"}, "there are no pictures called"),
        ({"data": "/etc"}, "there are no pictures called"),
        ({"data": ""}, "choose pictures from the list"),
    ],
)
def test_wrong_fields_are_told_above_the_form(guarded: Path, changes: dict[str, str], words: str) -> None:
    fields = {
        "data": "two.zip",
        "budget": "5ms",
        "device": "onnxruntime",
        "threads": "1",
        "effort": "quick",
        "time": "",
    }
    answer = local_client(guarded).post("/jobs/new/fit", data={**fields, **changes})
    assert answer.status_code == 400
    assert words in answer.text
    assert not list((guarded / JOBS_NAME).glob("*"))


@pytest.mark.parametrize("models", [[], ["../secret"], ["link-out"], ["two.zip"], ["fit-flowers/bundle"] * 9, ["/etc"]])
def test_only_bundles_of_the_folder_are_measured(guarded: Path, models: list[str]) -> None:
    fields = {"model": models, "device": "onnxruntime", "threads": "1"}
    answer = local_client(guarded).post("/jobs/new/measure", data=fields)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
