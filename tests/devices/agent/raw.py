"""Requests as a client of one's own would send them."""

from __future__ import annotations

import hashlib
import http.client
import json
from typing import Any

from edgesmith.devices.agent.client import client_name
from edgesmith.devices.agent.protocol import CLIENT_HEADER, PROTOCOL, PROTOCOL_HEADER
from tests.devices.agent.conftest import TOKEN


def ask(
    address: str,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    token: str | None = TOKEN,
    protocol: str = str(PROTOCOL),
    length: str | None = None,
    client: str | None = None,
) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    host, _, port = address.rpartition(":")
    headers = {PROTOCOL_HEADER: protocol, CLIENT_HEADER: client_name() if client is None else client}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if length is not None:
        headers["Content-Length"] = length
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def problem_of(answer: tuple[int, Any]) -> tuple[int, str]:
    """Status and kind of a refusal."""
    return answer[0], answer[1]["error"]["problem"]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
