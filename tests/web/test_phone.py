"""Who may ask the phone's addresses for what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from edgesmith.devices.browser.protocol import MAX_FILE_BYTES
from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig
from edgesmith.web.phone import RUNTIME_VERSION
from edgesmith.web.phone_desk import how_to_open, hub_address
from edgesmith.web.phone_hub import Hub
from edgesmith.web.phone_state import Patience
from tests.web.fake_page import ABOUT, TOKEN

RUNTIME = f"/static/onnxruntime-web/{RUNTIME_VERSION}"
ORIGIN = {"Origin": "http://127.0.0.1:8770"}
PROCESS = {**ORIGIN, "Authorization": f"Bearer {TOKEN}"}
PAGE = {**ABOUT, "name": "pixel", "key": "k" * 16}


def client_of(folder: Path, host: str = "127.0.0.1") -> TestClient:
    app = create_app(WebConfig(folder=folder, host=host, token=TOKEN))
    app.state.phones = Hub(Patience(poll_s=0.3, look_s=0.02, page_s=600))
    return TestClient(app, base_url="http://127.0.0.1:8770", follow_redirects=False)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with client_of(tmp_path) as client:
        yield client


def register(client: TestClient, **changes: Any) -> str:
    answer = client.post("/phone/pages", json={**PAGE, **changes}, headers=ORIGIN)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["page"])


def submit(client: TestClient, browser: str = "pixel", content: bytes = b"a file") -> dict[str, Any]:
    model = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    request = {"work": "time", "models": [model], "threads": 1, "backend": "wasm", "plan": {}}
    answer = client.post("/hub/jobs", json={"browser": browser, "request": request}, headers=PROCESS)
    return dict(answer.json())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/hub/browsers"),
        ("PUT", f"/hub/files/{'a' * 64}"),
        ("POST", "/hub/jobs"),
        ("GET", f"/hub/jobs/{'a' * 32}"),
        ("GET", f"/hub/jobs/{'a' * 32}/result"),
        ("DELETE", f"/hub/jobs/{'a' * 32}"),
    ],
)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer \xfc"])
def test_only_a_process_with_the_private_token_speaks_to_the_hub(
    client: TestClient, method: str, path: str, authorization: str | None
) -> None:
    headers = {name.encode(): value.encode("latin-1") for name, value in ORIGIN.items()}
    if authorization is not None:
        headers[b"Authorization"] = authorization.encode("latin-1")
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["problem"] == "token"


@pytest.mark.parametrize("path", ["", f"/{'a' * 32}/wait", f"/{'a' * 32}/jobs/{'b' * 32}", f"/{'a' * 32}/bye"])
@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_pages_of_other_sites_are_refused(client: TestClient, path: str, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    assert client.post(f"/phone/pages{path}", json=PAGE, headers=headers).status_code == 403


def test_another_machine_needs_the_token_and_then_a_page_has_its_cookie(tmp_path: Path) -> None:
    with client_of(tmp_path, host="0.0.0.0") as client:
        for path in ("/phone", "/phones", "/static/phone_worker.js", f"{RUNTIME}/ort.wasm.min.mjs"):
            assert client.get(path).status_code == 401
        assert client.post("/phone/pages", json=PAGE, headers=ORIGIN).status_code == 401
        assert client.get(f"/phone?token={TOKEN}").headers["location"] == "/phone"
        assert client.get("/phone").status_code == 200
        assert register(client)


@pytest.mark.parametrize(
    "changes",
    [{"name": "a/b"}, {"cores": -1}, {"key": "short"}, {"key": 5}, {"key": "k" * 65}, {"more": 1}, {"clock_us": None}],
)
def test_a_page_that_says_nonsense_is_refused(client: TestClient, changes: dict[str, Any]) -> None:
    answer = client.post("/phone/pages", json={**PAGE, **changes}, headers=ORIGIN)
    assert answer.status_code == 400
    assert answer.json()["error"]["problem"] == "request"


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_bytes_that_are_no_object_are_refused(client: TestClient, body: bytes) -> None:
    secret = register(client)
    for path in ("/phone/pages", f"/phone/pages/{secret}/wait"):
        assert client.post(path, content=body, headers=ORIGIN).status_code == 400
    assert client.post("/hub/jobs", content=body, headers=PROCESS).status_code in (400, 422)


def test_sizes_are_limited(client: TestClient) -> None:
    secret = register(client)
    large = b"x" * (MAX_FILE_BYTES + 2_000_000)
    for method, path in (("PUT", f"/hub/files/{'a' * 64}"), ("POST", f"/phone/pages/{secret}/jobs/{'b' * 32}")):
        assert client.request(method, path, content=large, headers=PROCESS).status_code == 413
    assert client.post("/phone/pages", content=b"x" * 2_000_000, headers=ORIGIN).status_code == 413
    request = {"work": "time", "models": [{"sha256": "a" * 64, "bytes": MAX_FILE_BYTES + 1}], "threads": 1}
    whole = {"browser": "pixel", "request": {**request, "backend": "wasm", "plan": {}}}
    answer = client.post("/hub/jobs", json=whole, headers=PROCESS).json()
    assert answer["error"]["problem"] == "size"


def test_a_file_is_what_its_digest_says(client: TestClient) -> None:
    answer = client.put(f"/hub/files/{'a' * 64}", content=b"a file", headers=PROCESS)
    assert answer.json()["error"]["problem"] == "hash"


def test_a_page_has_what_its_job_needs_and_nothing_else(client: TestClient) -> None:
    secret, other = register(client), register(client, name="other", key="o" * 16)
    digest = hashlib.sha256(b"a file").hexdigest()
    assert submit(client) == {"missing": [digest]}
    client.put(f"/hub/files/{digest}", content=b"a file", headers=PROCESS)
    assert client.get(f"/phone/pages/{secret}/files/{digest}").status_code == 404, "no job yet"
    job = submit(client)["job"]
    assert client.get(f"/phone/pages/{secret}/files/{digest}").content == b"a file"
    assert client.get(f"/phone/pages/{other}/files/{digest}").status_code == 404
    assert client.get(f"/phone/pages/{'0' * 32}/files/{digest}").status_code == 404
    news = client.post(f"/phone/pages/{secret}/wait", json={}, headers=ORIGIN).json()
    assert news["job"]["name"] == job
    assert client.post(f"/phone/pages/{other}/jobs/{job}", content=b"x", headers=ORIGIN).status_code == 404
    answer = client.post(f"/phone/pages/{secret}/jobs/{job}", content=b"x", headers=ORIGIN)
    assert answer.json()["error"]["message"].startswith("browser 'pixel' sent no result")
    assert "sent no result" in client.get(f"/hub/jobs/{job}", headers=PROCESS).json()["error"]["message"]


def test_the_page_is_isolated_and_may_compile_webassembly_and_nothing_more(client: TestClient) -> None:
    for path in ("/phone", "/static/phone_worker.js", f"{RUNTIME}/ort-wasm-simd-threaded.mjs"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self' 'wasm-unsafe-eval';" in policy
        assert "default-src 'none'" in policy
        assert "unsafe-inline'" not in policy.replace("style-src-attr 'unsafe-inline'", "")
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "wasm" not in client.get("/").headers["content-security-policy"]


def test_the_runtime_is_served_as_browsers_want_it(client: TestClient) -> None:
    answer = client.get(f"{RUNTIME}/ort-wasm-simd-threaded.wasm")
    assert answer.headers["content-type"] == "application/wasm"
    assert answer.content.startswith(b"\0asm")
    for name in ("nothing.mjs", "README.md", "..%2F..%2Fapp.py", "%2Fetc%2Fpasswd"):
        assert client.get(f"{RUNTIME}/{name}").status_code == 404


def test_browsers_keep_the_runtime_of_this_version_alone(client: TestClient) -> None:
    """What may be kept for good has an address that another version does not have."""
    assert f'data-runtime="{RUNTIME}/"' in client.get("/phone").text
    assert "immutable" in client.get(f"{RUNTIME}/ort.wasm.min.mjs").headers["cache-control"]
    for other in ("", "/0.0.0", "/..", f"/{RUNTIME_VERSION}/.."):
        answer = client.get(f"/static/onnxruntime-web{other}/ort.wasm.min.mjs")
        assert answer.status_code == 404
        assert "immutable" not in answer.headers["cache-control"]
    for script in ("phone.js", "phone_worker.js"):
        assert client.get(f"/static/{script}").headers["cache-control"] == "no-store"


def test_the_desk_lists_browsers_and_keeps_its_token_where_only_this_machine_is(client: TestClient) -> None:
    register(client, user_agent="<script>alert(1)</script>")
    text = client.get("/phones").text
    assert "browser:pixel" in text
    assert "<script>alert" not in text
    assert TOKEN not in text
    assert "edgesmith web --host 0.0.0.0" in text


def test_the_desk_shows_a_code_where_others_can_reach_it(tmp_path: Path) -> None:
    with client_of(tmp_path, host="0.0.0.0") as client:
        text = client.get("/phones", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert "<svg" in text
    assert "plain HTTP" in text


@pytest.mark.parametrize(
    ("host", "https", "address", "reached"),
    [
        ("127.0.0.1", False, None, "127.0.0.1"),
        ("localhost", False, None, "localhost"),
        ("192.168.1.7", True, f"https://192.168.1.7:8770/phone?token={TOKEN}", "192.168.1.7"),
        ("fe80::1", False, f"http://[fe80::1]:8770/phone?token={TOKEN}", "fe80::1"),
    ],
)
def test_addresses_of_the_page_and_of_the_hub(
    tmp_path: Path, host: str, https: bool, address: str | None, reached: str
) -> None:
    config = WebConfig(folder=tmp_path, host=host, https=https, token=TOKEN)
    assert how_to_open(config).address == address
    assert hub_address(config, certificate="").host == reached
    assert TOKEN not in hub_address(config, certificate="").page


def test_what_a_page_is_told_while_nothing_happens(client: TestClient) -> None:
    secret = register(client)
    assert client.post(f"/phone/pages/{secret}/wait", json={}, headers=ORIGIN).json() == {}
    stale = client.post(f"/phone/pages/{secret}/wait", json={"job": "b" * 32}, headers=ORIGIN).json()
    assert stale == {"stop": "b" * 32}
    client.post(f"/phone/pages/{secret}/bye", headers=ORIGIN)
    assert client.post(f"/phone/pages/{secret}/wait", json={}, headers=ORIGIN).status_code == 404
    assert json.loads(client.get("/hub/browsers", headers=PROCESS).text) == {"browsers": []}
