"""A hub on a free port of this machine, and a page made of Python that does what the real one does."""

from __future__ import annotations

import http.client
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from edgesmith.core.authority import family_of
from edgesmith.devices.browser.address import HubAddress
from edgesmith.devices.browser.protocol import Envelope
from edgesmith.runtimes.table import RUNTIMES
from edgesmith.web.app import create_app
from edgesmith.web.certificate import Certificate
from edgesmith.web.config import WebConfig
from edgesmith.web.phone_desk import hub_address
from edgesmith.web.phone_hub import Hub
from edgesmith.web.phone_state import Patience

TOKEN = "a-token-of-the-tests"
QUICK = Patience(poll_s=0.3, look_s=0.02, page_s=2.0, hidden_s=0.5)
ABOUT: dict[str, Any] = {
    "user_agent": "Fake/1.0",
    "model": "Linux x86",
    "version": "1.30.0",
    "cores": 2,
    "isolated": True,
    "secure": True,
    "simd": True,
    "webgpu": False,
    "clock_us": 5.0,
}


@contextmanager
def serving(
    folder: Path, *, patience: Patience = QUICK, host: str = "127.0.0.1", certificate: Certificate | None = None
) -> Iterator[HubAddress]:
    """The web application in a thread; over HTTPS with a certificate."""
    files: dict[str, Any] = {}
    if certificate is not None:
        files = {"ssl_certfile": certificate.certificate, "ssl_keyfile": certificate.key}
    listener = socket.create_server((host, 0), family=family_of(host))
    config = WebConfig(folder=folder, host=host, port=listener.getsockname()[1], token=TOKEN)
    app = create_app(config)
    app.state.phones = Hub(patience)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, **files))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield hub_address(config, certificate="" if certificate is None else str(certificate.certificate))
    finally:
        app.state.phones.close()
        server.should_exit = True
        thread.join()
        listener.close()


class FakePage:
    """Registers, waits and does jobs in a thread of its own, until it is told to stop.

    Args:
        hub: Where.
        name: Its name.
        about: What it says of itself otherwise.
        spoil: Changes the result of a job before it is sent; None in its place means that nothing is sent.
    """

    def __init__(
        self,
        hub: HubAddress,
        name: str = "fake",
        *,
        about: dict[str, Any] | None = None,
        spoil: Callable[[Envelope], Envelope | None] = lambda envelope: envelope,
    ) -> None:
        self._hub, self._spoil = hub, spoil
        self.hidden = False
        self.stopped: list[str] = []
        self.fetched: list[str] = []
        self._files: dict[str, bytes] = {}
        self._over = threading.Event()
        data = {**ABOUT, "name": name, "key": "k" * 16, **(about or {})}
        self.secret = json.loads(self.ask("POST", "/phone/pages", json.dumps(data).encode()))["page"]
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the page as a browser does."""
        self.vanish()
        self.ask("POST", f"/phone/pages/{self.secret}/bye")

    def vanish(self) -> None:
        """End without a word."""
        self._over.set()
        self._thread.join()

    def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """One request of a page of the application."""
        connection = http.client.HTTPConnection(self._hub.host, self._hub.port, timeout=30)
        origin = f"http://{self._hub.host}:{self._hub.port}"
        connection.request(method, path, body, headers={"Origin": origin})
        answer = connection.getresponse().read()
        connection.close()
        return answer

    def _live(self) -> None:
        job = ""
        while not self._over.is_set():
            state = json.dumps({"hidden": self.hidden, "job": job}).encode()
            news = json.loads(self.ask("POST", f"/phone/pages/{self.secret}/wait", state))
            if "stop" in news:
                self.stopped.append(news["stop"])
                job = ""
            if "job" in news:
                job = news["job"]["name"]
                result = self._spoil(self._carry_out(news["job"]))
                if result is not None:
                    self.ask("POST", f"/phone/pages/{self.secret}/jobs/{job}", result.pack())
                    job = ""

    def _carry_out(self, job: dict[str, Any]) -> Envelope:
        for content in [*job["models"], *([job["images"]["content"]] if job["images"] else [])]:
            if content["sha256"] not in self._files:
                path = f"/phone/pages/{self.secret}/files/{content['sha256']}"
                self._files[content["sha256"]] = self.ask("GET", path)
                self.fetched.append(content["sha256"])
        return self._time(job) if job["work"] == "time" else self._run(job)

    def _time(self, job: dict[str, Any]) -> Envelope:
        """A file takes a microsecond for each of its bytes."""
        plan, rng = job["plan"], np.random.default_rng(job["plan"]["seed"])
        samples = []
        for load in range(plan["loads"]):
            for number in range(plan["min_rounds"]):
                for subject, content in enumerate(job["models"]):
                    ms = content["bytes"] / 1e3 * float(rng.normal(1, 0.002))
                    samples.append([subject, load, number, ms, max(1, round(plan["sample_ms"] / ms))])
        first = [[1.0] * plan["loads"] for _ in job["models"]]
        reference = [10.0] * (plan["loads"] + 1)
        head = {"samples": samples, "first_runs_ms": first, "reference_ms": reference}
        return Envelope(head={**head, "seconds": 1.0, "dropped": 0, "hidden_s": 0})

    def _run(self, job: dict[str, Any]) -> Envelope:
        images = job["images"]
        data = self._files[images["content"]["sha256"]]
        array = np.frombuffer(data, dtype=images["dtype"]).reshape(images["shape"])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(self._files[job["models"][0]["sha256"]])
            arrays = RUNTIMES["onnxruntime"].load(path).run_all(array)
        outputs = [{"dtype": each.dtype.name, "shape": list(each.shape)} for each in arrays]
        return Envelope(head={"outputs": outputs}, body=b"".join(each.tobytes() for each in arrays))
