"""Requests as a hostile client writes them: any bytes in path and headers, which HTTP libraries would put right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message

Header = tuple[bytes, bytes]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def call(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    query: bytes = b"",
    headers: Sequence[Header] = ((b"host", b"127.0.0.1"),),
    body: Iterable[bytes] = (),
    scheme: str = "http",
) -> Answer:
    """One request; ``path`` is what the server decoded, ``body`` comes in these parts without a stated length."""
    return asyncio.run(_call(app, method, path, query, headers, list(body), scheme))


async def _call(
    app: ASGIApp,
    method: str,
    path: str,
    query: bytes,
    headers: Sequence[Header],
    parts: list[bytes],
    scheme: str,
) -> Answer:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "root_path": "",
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in headers],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 8770),
        "state": {},
    }
    waiting = [*parts, b""] if parts else [b""]
    sent: list[Message] = []

    async def receive() -> Message:
        if waiting:
            part = waiting.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(status=start["status"], headers=found, body=body)
