"""The agent: HTTP from the standard library over one desk. It imports neither numpy nor a runtime, its child does."""

from __future__ import annotations

import hmac
import json
import re
import shutil
import signal
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast

from edgesmith.core.authority import authority, family_of
from edgesmith.core.config import from_dict
from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.agent.config import AgentConfig
from edgesmith.devices.agent.folder import agent_folder
from edgesmith.devices.agent.jobs import Desk
from edgesmith.devices.agent.process import WorkerProcess, worker_command
from edgesmith.devices.agent.protocol import (
    CLIENT,
    CLIENT_HEADER,
    POLL_S,
    PROTOCOL,
    PROTOCOL_HEADER,
    SHA256,
    STATUS,
    Problem,
    RefusedError,
    Request,
)
from edgesmith.devices.agent.store import Store

_JSON_BYTES: Final = 1 << 20
_CONNECTIONS: Final = 16
_SILENCE_S: Final = 30.0
_JOB: Final = "[0-9a-f]{32}"


class Agent:
    """An agent that serves for as long as its context lasts.

    Args:
        config: How it serves.
        folder: An empty folder of its own.

    Raises:
        DeviceError: The address cannot be listened on.
    """

    def __init__(self, config: AgentConfig, folder: Path) -> None:
        try:
            self._server = _Server(config)
        except OSError as error:
            reason = error.strerror or str(error)
            raise DeviceError(
                f"cannot listen on {config.host}:{config.port}: {reason}; choose another --port"
            ) from None
        command = worker_command(folder, max_bytes=config.max_file_bytes)
        self._server.desk = Desk(
            Store(folder / "files", max_file_bytes=config.max_file_bytes, max_total_bytes=config.max_cache_bytes),
            partial(WorkerProcess, command, temporary=folder / "work"),
            work=folder / "work",
            outputs=folder / "outputs",
            time_limit_s=config.time_limit_s,
            patience_s=config.patience_s,
        )

    @property
    def address(self) -> str:
        """``HOST:PORT``, with the port that was taken."""
        host, port = self._server.server_address[:2]
        return authority(host if isinstance(host, str) else host.decode(), port)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.desk.close()
        self._server.shutdown()
        self._server.server_close()


def serve(config: AgentConfig, *, announce: Callable[[str], None]) -> None:
    """Be an agent until a signal says to stop; nothing is left behind.

    Args:
        config: How to serve.
        announce: Called once with the address, when requests are answered.

    Raises:
        DeviceError: The address cannot be listened on, or there is no place for files.
    """
    with _stop_signals() as stop, agent_folder() as folder, Agent(config, folder) as agent:
        announce(agent.address)
        stop.wait()


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Yield what is set by the signals that end a process; those that are ignored, as under nohup, stay so."""
    stop = threading.Event()
    before = {
        number: signal.getsignal(number)
        for name in ("SIGTERM", "SIGINT", "SIGHUP")
        if (number := getattr(signal, name, None)) is not None
    }
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(ThreadingHTTPServer):
    """A thread for each request, up to a limit; more are turned away."""

    daemon_threads = True
    request_queue_size = 4 * _CONNECTIONS
    desk: Desk

    def __init__(self, config: AgentConfig) -> None:
        self.token = config.token
        self.address_family = family_of(config.host)
        self._slots = threading.BoundedSemaphore(_CONNECTIONS)
        super().__init__((config.host, config.port), _Handler)

    def server_bind(self) -> None:
        """Bind without looking the host's name up, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "agent", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The life of that thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    """One request; the connection is closed after it."""

    timeout = _SILENCE_S
    server_version = "edgesmith-agent"
    sys_version = ""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of requests."""

    def _handle(self) -> None:
        try:
            self._reply(HTTPStatus.OK, self._answer())
        except RefusedError as refusal:
            self._reply(STATUS[refusal.problem], refusal.to_json())

    do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815  (the base class names them)

    def _answer(self) -> Mapping[str, Any] | Path:
        if (self.command, self.path) == ("GET", "/health"):
            return {"protocol": PROTOCOL}
        self._check_token()
        self._check_protocol()
        if self.command == "PUT" and (found := re.fullmatch(f"/files/({SHA256})", self.path)):
            self._desk.receive(found[1], cast("BinaryIO", self.rfile), self._length(), client=self._client())
            return {}
        if (self.command, self.path) == ("POST", "/jobs"):
            return {"job": self._desk.submit(self._request(), client=self._client())}
        if found := re.fullmatch(f"/jobs/({_JOB})(/outputs)?", self.path):
            return self._about_job(found[1], outputs=found[2] is not None)
        raise RefusedError(Problem.UNKNOWN, f"there is no {self.command} {self.path[:80]!r} here")

    def _about_job(self, job: str, *, outputs: bool) -> Mapping[str, Any] | Path:
        if self.command == "GET" and outputs:
            return self._desk.outputs(job)
        if self.command == "GET":
            answer = self._desk.wait(job, POLL_S)
            return {"done": False} if answer is None else {"done": True, **answer}
        if self.command == "DELETE" and not outputs:
            self._desk.cancel(job)
            return {}
        raise RefusedError(Problem.UNKNOWN, f"there is no {self.command} {self.path[:80]!r} here")

    @property
    def _desk(self) -> Desk:
        return cast("_Server", self.server).desk

    def _check_token(self) -> None:
        given = self.headers.get("Authorization", "").encode("utf-8", errors="replace")
        if not hmac.compare_digest(given, f"Bearer {cast('_Server', self.server).token}".encode()):
            raise RefusedError(Problem.TOKEN, "wrong token")

    def _check_protocol(self) -> None:
        given = self.headers.get(PROTOCOL_HEADER, "none")
        if given != str(PROTOCOL):
            raise RefusedError(
                Problem.PROTOCOL,
                f"the agent speaks protocol {PROTOCOL}, the client {given[:20]}; install the same edgesmith on both",
            )

    def _client(self) -> str:
        given = self.headers.get(CLIENT_HEADER, "")
        if not re.fullmatch(CLIENT, given):
            raise RefusedError(Problem.REQUEST, f"{CLIENT_HEADER} must name the client")
        return given

    def _length(self) -> int:
        text = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,15}", text):
            raise RefusedError(Problem.REQUEST, "the length of what is sent must be said in Content-Length")
        return int(text)

    def _request(self) -> Request:
        length = self._length()
        if length > _JSON_BYTES:
            raise RefusedError(Problem.SIZE, f"a request of {length} bytes is over the limit of {_JSON_BYTES}")
        try:
            data = json.loads(self.rfile.read(length))
            if not isinstance(data, dict):
                raise UsageError("a request is an object")
            return from_dict(Request, data)
        except (ValueError, RecursionError, UsageError) as error:
            raise RefusedError(Problem.REQUEST, f"the request cannot be read: {str(error)[:300]}") from None

    def _reply(self, status: HTTPStatus, body: Mapping[str, Any] | Path) -> None:
        if isinstance(body, Path):
            with body.open("rb") as file:
                self._head(status, "application/octet-stream", body.stat().st_size)
                shutil.copyfileobj(file, self.wfile)
            return
        data = json.dumps(body).encode()
        self._head(status, "application/json", len(data))
        self.wfile.write(data)

    def _head(self, status: HTTPStatus, kind: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header(PROTOCOL_HEADER, str(PROTOCOL))
        self.end_headers()
