"""The client's side of the talk with an agent: every failure is one line that names the agent."""

from __future__ import annotations

import http.client
import json
import os
import platform
import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from edgesmith.core.config import to_dict
from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.agent.address import Address
from edgesmith.devices.agent.protocol import (
    CLIENT_HEADER,
    POLL_S,
    PROTOCOL,
    PROTOCOL_HEADER,
    Problem,
    RefusedError,
    Request,
)

_CONNECT_S: Final = 5.0
_ANSWER_S: Final = 30.0
_ANSWER_BYTES: Final = 1 << 30
_POLL_TRIES: Final = 3
_BETWEEN_TRIES_S: Final = 0.5
_ROUNDS_OF_SENDING: Final = 3


class LostError(DeviceError):
    """The agent cannot be reached."""


class AgentClient:
    """Talks to one agent, with a connection for each request and without proxies.

    Args:
        address: Where it listens.
        token: Its token.
    """

    def __init__(self, address: Address, token: str) -> None:
        self._address = address
        self._token = token

    def greet(self) -> None:
        """Make sure that an agent of the same protocol answers there.

        Raises:
            DeviceError: Nothing answers, something else does, or an agent of another protocol.
        """
        protocol = self._ask("GET", "/health").get("protocol")
        if not isinstance(protocol, int):
            raise self.malformed("no protocol is named")
        if protocol != PROTOCOL:
            raise self._error(
                f"it speaks protocol {protocol}, this side {PROTOCOL}; install the same edgesmith on both"
            )

    def carry_out(self, request: Request, contents: Mapping[str, Path | bytes]) -> tuple[str, Mapping[str, Any]]:
        """Have a job done.

        Args:
            request: The job.
            contents: The file, or the bytes, of every digest in it; sent where the agent lacks them.

        Returns:
            The job's name, and its result.

        Raises:
            DeviceError: The agent refused, failed, or is gone.
            UsageError: The agent knows no such device or option.
        """
        job = self._submit(request, contents)
        try:
            while True:
                reply = self._poll(job)
                if reply.get("done"):
                    break
        except LostError:
            raise
        except BaseException:
            with suppress(DeviceError, UsageError):  # what went wrong is being said
                self._ask("DELETE", f"/jobs/{job}")
            raise
        result = reply.get("result")
        if not isinstance(result, dict):
            raise self.malformed("a result is missing")
        return job, result

    def outputs(self, job: str) -> bytes:
        """What a run gave: ``.npy`` arrays, one behind the other."""
        return self._exchange("GET", f"/jobs/{job}/outputs")

    def malformed(self, reason: str) -> DeviceError:
        """The error for an answer that makes no sense."""
        return self._error(f"what answers there makes no sense ({reason}); is it an edgesmith agent of this version?")

    def _submit(self, request: Request, contents: Mapping[str, Path | bytes]) -> str:
        body = json.dumps(to_dict(request)).encode()
        for _ in range(_ROUNDS_OF_SENDING):
            try:
                job = self._ask("POST", "/jobs", body).get("job")
            except _MissingError as error:
                for sha256 in error.missing:
                    self._send(sha256, contents)
                continue
            if not isinstance(job, str):
                raise self.malformed("a job's name is missing")
            return job
        raise self._error("it asks for the same files again and again; do several clients share it?")

    def _send(self, sha256: str, contents: Mapping[str, Path | bytes]) -> None:
        if sha256 not in contents:
            raise self.malformed("it asks for a file that does not belong to the job")
        content = contents[sha256]
        if isinstance(content, bytes):
            self._ask("PUT", f"/files/{sha256}", content)
            return
        with content.open("rb") as file:
            self._ask("PUT", f"/files/{sha256}", file, length=content.stat().st_size)

    def _poll(self, job: str) -> Mapping[str, Any]:
        for left in reversed(range(_POLL_TRIES)):
            try:
                return self._ask("GET", f"/jobs/{job}")
            except LostError:
                if not left:
                    raise
                time.sleep(_BETWEEN_TRIES_S)
        raise AssertionError("the last try returns or raises")

    def _ask(
        self, method: str, path: str, body: bytes | IO[bytes] | None = None, *, length: int | None = None
    ) -> Mapping[str, Any]:
        """An answer in JSON; a refusal is raised."""
        data = self._exchange(method, path, body, length=length)
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            raise self.malformed("it is not JSON") from None
        if not isinstance(answer, dict):
            raise self.malformed("it is not an object")
        if "error" in answer:
            raise self._refusal(answer["error"])
        return answer

    def _exchange(
        self, method: str, path: str, body: bytes | IO[bytes] | None = None, *, length: int | None = None
    ) -> bytes:
        headers = {PROTOCOL_HEADER: str(PROTOCOL), CLIENT_HEADER: client_name()}
        if path != "/health":
            headers["Authorization"] = f"Bearer {self._token}"
        if length is not None:
            headers["Content-Length"] = str(length)
        connection = http.client.HTTPConnection(self._address.host, self._address.port, timeout=_CONNECT_S)
        try:
            connection.connect()
            connection.sock.settimeout(POLL_S + _ANSWER_S)
            with suppress(BrokenPipeError, ConnectionResetError):  # refused half-way: the answer says why
                connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read(_ANSWER_BYTES + 1)
            if response.length and len(answer) <= _ANSWER_BYTES:
                raise ConnectionResetError("the answer is cut short")
        except OSError as error:
            raise LostError(f"agent {self._address} {_why(error)}") from None
        except (http.client.HTTPException, ValueError) as error:
            raise self.malformed(f"it is not HTTP: {type(error).__name__}") from None
        finally:
            connection.close()
        if len(answer) > _ANSWER_BYTES:
            raise self.malformed("it does not end")
        return answer

    def _refusal(self, error: Any) -> Exception:
        if not isinstance(error, dict) or not isinstance(error.get("message"), str):
            return self.malformed("a refusal without a reason")
        message = " ".join(error["message"].split())[:1000]
        problem = error.get("problem")
        if problem == Problem.MISSING:
            return _MissingError(Problem.MISSING, message, missing=tuple(map(str, error.get("missing", ()))))
        if problem == Problem.USAGE:
            return UsageError(f"agent {self._address}: {message}")
        if problem == Problem.TOKEN:
            return self._error("it refuses the token; set EDGESMITH_AGENT_TOKEN to the one that it printed")
        if problem == Problem.BUSY:
            return self._error(f"busy, {message}")
        return self._error(message)

    def _error(self, message: str) -> DeviceError:
        return DeviceError(f"agent {self._address}: {message}")


class _MissingError(RefusedError):
    """Files must be sent first."""


def client_name() -> str:
    """This process, as others should hear of it: two devices of one process are one client."""
    return f"{re.sub('[^A-Za-z0-9._-]', '-', platform.node())[:80]}-{os.getpid()}"


def _why(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "cannot be reached: nothing listens there; run edgesmith agent on that machine"
    if isinstance(error, socket.gaierror):
        return "cannot be reached: there is no such host"
    if isinstance(error, TimeoutError):
        return "does not answer; is the machine on, and the port open?"
    if isinstance(error, ConnectionError):
        return "is gone; was it stopped? Run edgesmith agent on that machine again"
    return f"cannot be reached: {error.strerror or error}"
