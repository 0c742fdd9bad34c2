"""Who is let in: names, tokens, origins and sizes, each tried from the wrong side."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from edgesmith.core.errors import UsageError
from edgesmith.web import home
from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig, is_loopback
from edgesmith.web.headers import HEADERS
from edgesmith.web.security import cookie_name
from tests.web.asgi import call
from tests.web.folders import ORIGIN, TOKEN, local_client, remote_client

CHANGING = (
    "/jobs/new/fit",
    "/jobs/new/check",
    "/jobs/new/measure",
    "/jobs/20260101-000000-abcdef/stop",
    "/jobs/20260101-000000-abcdef/resume",
    "/jobs/20260101-000000-abcdef/remove",
    "/try/fit-flowers/bundle",
)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9000", "localhost", "LOCALHOST:1", "[::1]:8770", "127.9.9.9"])
def test_this_machines_names_are_taken(served: Path, host: str) -> None:
    assert local_client(served).get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.1@evil.example",
        "10.1.2.3",
        "",
        "127.0.0.1, evil.example",
        "localhost:80:80",
        "[::1",
        "127.0.0.1/",
        "\u00fc.example",
    ],
)
def test_dns_rebinding_is_refused(served: Path, host: str) -> None:
    app = create_app(WebConfig(folder=served))
    answer = call(app, "GET", "/", headers=[(b"host", host.encode())])
    assert answer.status == 421
    assert "fit-flowers" not in answer.text


def test_two_names_or_none_are_refused(served: Path) -> None:
    app = create_app(WebConfig(folder=served))
    assert call(app, "GET", "/", headers=[(b"host", b"localhost"), (b"host", b"evil.example")]).status == 421
    assert call(app, "GET", "/", headers=[]).status == 421


@pytest.mark.parametrize("path", CHANGING)
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "https://127.0.0.1",
        "http://127.0.0.1:81",
        "http://127.0.0.1.evil.example",
        "x",
    ],
)
def test_only_our_own_pages_change_anything(served: Path, path: str, origin: str | None) -> None:
    client = local_client(served)
    del client.headers["origin"]
    answer = client.post(path, headers={} if origin is None else {"origin": origin})
    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_need_our_origin_and_then_are_none(served: Path, method: str) -> None:
    app = create_app(WebConfig(folder=served))
    host = (b"host", b"127.0.0.1")
    assert call(app, method, "/", headers=[host]).status == 403
    assert call(app, method, "/", headers=[host, (b"origin", ORIGIN.encode())]).status == 405


def test_another_machine_needs_the_token(served: Path) -> None:
    client = remote_client(served)
    for path in ("/", "/static/web.css", "/run/fit-flowers", "/nothing"):
        answer = client.get(path)
        assert answer.status_code == 401
        assert "fit-flowers" not in answer.text
    assert client.post("/jobs/new/fit").status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\u00fc" * 20])
def test_a_wrong_token_lets_nobody_in(served: Path, token: str) -> None:
    client = remote_client(served)
    answer = client.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    bearer = call(
        create_app(WebConfig(folder=served, host="0.0.0.0", token=TOKEN)),
        "GET",
        "/",
        headers=[(b"host", b"10.1.2.3"), (b"authorization", b"Bearer " + token.encode())],
    )
    assert bearer.status == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address(served: Path) -> None:
    client = remote_client(served)
    answer = client.get("/jobs", params={"token": TOKEN, "verb": "check"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?verb=check")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert TOKEN not in cookie
    assert client.get("/jobs").status_code == 200


def test_with_https_the_cookie_stays_there(served: Path) -> None:
    config = WebConfig(folder=served, host="0.0.0.0", token=TOKEN, https=True)
    answer = call(
        create_app(config),
        "GET",
        "/",
        query=b"token=" + TOKEN.encode(),
        headers=[(b"host", b"10.1.2.3")],
        scheme="https",
    )
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "///evil.example"])
def test_signing_in_leads_nowhere_else(served: Path, path: str) -> None:
    app = create_app(WebConfig(folder=served, host="0.0.0.0", token=TOKEN))
    answer = call(app, "GET", path, query=b"token=" + TOKEN.encode(), headers=[(b"host", b"10.1.2.3")])
    assert answer.status == 303
    location = answer.headers["location"]
    assert location.startswith("/")
    assert location[1:2] not in ("/", "\\")


@pytest.mark.parametrize(
    "cookie", ["edgesmith_8770=x", "edgesmith_8771={value}", "edgesmith_8770=", "a=b; \x00", "=;=;"]
)
def test_other_cookies_are_no_token(served: Path, cookie: str) -> None:
    client = remote_client(served)
    client.get("/", params={"token": TOKEN})
    value = client.cookies[cookie_name(WebConfig(folder=served))]
    app = create_app(WebConfig(folder=served, host="0.0.0.0", token=TOKEN))
    headers = [(b"host", b"10.1.2.3"), (b"cookie", cookie.format(value=value).encode())]
    assert call(app, "GET", "/", headers=headers).status == 401


def test_a_program_with_the_token_needs_no_origin(served: Path) -> None:
    client = remote_client(served)
    del client.headers["origin"]
    assert client.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    answer = client.post("/jobs/new/check", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 400  # let in, and then nothing was chosen
    evil = {"authorization": f"Bearer {TOKEN}", "origin": "http://evil.example"}
    assert client.post("/jobs/new/check", headers=evil).status_code == 403


def test_names_of_others_are_refused_from_outside_too(served: Path) -> None:
    assert remote_client(served, origin="http://evil.example").get("/").status_code == 421
    assert remote_client(served, origin=f"http://{socket.gethostname().lower()}").get("/").status_code == 401


def test_websockets_pass_the_same_gate(served: Path) -> None:
    client = local_client(served)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/x", headers={"origin": "http://evil.example"}):
        pass
    with pytest.raises(WebSocketDisconnect), remote_client(served).websocket_connect("/x"):
        pass


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/none", 404),
        ("GET", "/static/web.css", 200),
        ("POST", "/", 405),
        ("GET", "/jobs/x", 404),
    ],
)
def test_every_answer_tells_the_browser_what_to_keep_to(served: Path, method: str, path: str, status: int) -> None:
    answer = local_client(served).request(method, path)
    assert answer.status_code == status
    assert set(HEADERS) <= set(answer.headers)
    assert "unsafe-inline" not in answer.headers["content-security-policy"].replace(
        "style-src-attr 'unsafe-inline'", ""
    )
    assert "server" not in answer.headers


def test_browsers_may_name_the_origin_of_our_own_forms() -> None:
    """With ``no-referrer`` they send ``Origin: null``, which the gate refuses."""
    assert HEADERS["referrer-policy"] == "same-origin"


def test_refusals_carry_them_too(served: Path) -> None:
    client = remote_client(served)
    for answer in (client.get("/"), client.get("/", headers={"host": "evil.example"})):
        assert set(HEADERS) <= set(answer.headers)


@pytest.mark.parametrize(("path", "most"), [("/jobs/x/stop", 1), ("/try/fit-flowers/bundle", 3), ("/jobs/new/fit", 5)])
def test_bodies_are_limited_with_and_without_a_stated_length(served: Path, path: str, most: int) -> None:
    app = create_app(WebConfig(folder=served, max_picture_bytes=2_000_000, max_archive_bytes=4_000_000))
    form = (b"content-type", b"multipart/form-data; boundary=b")
    headers = [(b"host", b"127.0.0.1"), (b"origin", ORIGIN.encode()), form]
    stated = call(app, "POST", path, headers=[*headers, (b"content-length", b"%d" % (most * 1_000_000 + 1))])
    assert stated.status == 413
    assert f"{most} MB" in stated.text
    if path.startswith(("/try", "/jobs/new")):  # the others read no body
        opening = b'--b\r\nContent-Disposition: form-data; name="archive"; filename="a.zip"\r\n\r\n'
        streamed = call(app, "POST", path, headers=headers, body=[opening, *[b"x" * 100_000] * (10 * most + 1)])
        assert streamed.status == 413


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"\xc2\xb2", b"0x10", b" "])
def test_a_length_that_is_no_number_is_refused(served: Path, length: bytes) -> None:
    app = create_app(WebConfig(folder=served))
    assert call(app, "GET", "/", headers=[(b"host", b"localhost"), (b"content-length", length)]).status == 400


def test_a_fault_of_ours_shows_no_trace(
    served: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a secret of the inside")

    monkeypatch.setattr(home, "view_runs", fail)
    answer = local_client(served).get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert set(HEADERS) <= set(answer.headers)
    assert "ValueError: a secret of the inside" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"token": "short"}, "a token has 16 to 256"),
        ({"token": "with a space in it, long"}, "a token has 16 to 256"),
        ({"port": 70000}, "a port is a number"),
        ({"data": (Path("none such"),)}, r"--data /.*/none such is not a folder"),
        ({"folder": Path(__file__)}, "is not a folder"),
        ({"folder": Path("none such")}, r"/.*/none such is not a folder"),
        ({"folder": Path("none such/runs")}, r"/.*/runs is not a folder"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        WebConfig(**{"folder": tmp_path, **values})  # type: ignore[arg-type]


def test_a_run_itself_is_not_served_but_what_holds_it(served: Path) -> None:
    with pytest.raises(UsageError, match="name the folder that holds it"):
        WebConfig(folder=served / "fit-flowers")


@pytest.mark.parametrize(
    ("host", "own"), [("localhost", True), ("127.0.0.5", True), ("::1", True), ("0.0.0.0", False), ("pi", False)]
)
def test_loopback_is_told_by_the_address(host: str, own: bool) -> None:
    assert is_loopback(host) is own
