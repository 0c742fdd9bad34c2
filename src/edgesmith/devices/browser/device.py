"""A page in a browser as a device, by way of the hub."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.core.files import sha256_file
from edgesmith.core.table import closest, lookup, unknown
from edgesmith.deploy.base import FLOAT32, file_kind
from edgesmith.devices.agent.client import client_name
from edgesmith.devices.agent.protocol import Content, Work
from edgesmith.devices.base import Array, Conditions, Fingerprint, Session
from edgesmith.devices.browser.address import find_hub
from edgesmith.devices.browser.client import HubClient
from edgesmith.devices.browser.protocol import BACKENDS, About, Envelope, Picture, Request
from edgesmith.devices.browser.results import page_error, read_outputs, read_timing
from edgesmith.devices.options import DeviceChoice
from edgesmith.devices.plan import Plan
from edgesmith.runtimes.base import require_file

SAMPLE_MS: Final = 50.0
_FORMAT: Final = "onnx"
_WASM: Final = BACKENDS[0]


class BrowserDevice:
    """Times and runs ONNX files in a page by onnxruntime-web; see `edgesmith.devices.base.Device`.

    Args:
        client: Talks to the hub.
        about: What the page says of itself.
        name: The device as the user typed it.
        threads: Threads that share one run.
        backend: ``wasm`` or ``webgpu``.
    """

    def __init__(self, client: HubClient, about: About, *, name: str, threads: int = 1, backend: str = _WASM) -> None:
        self.name = name
        self.format = file_kind(_FORMAT, FLOAT32)
        self._client = client
        self._about = about
        self._threads = threads
        self._backend = backend
        self._fastest_ms = math.inf

    def fingerprint(self) -> Fingerprint:
        """The setting that the latencies belong to, as the page tells it."""
        about = self._about
        told = {
            "backend": self._backend,
            "isolated": "yes" if about.isolated else "no",
            "simd": "yes" if about.simd else "no",
        }
        return Fingerprint(
            device=self.name,
            runtime="onnxruntime-web",
            version=about.version,
            precision=FLOAT32,
            threads=self._threads,
            options=tuple(f"{key}={value}" for key, value in told.items()),
            cpu=f"{about.model}, {about.cores} cores" if about.model else f"{about.cores} cores",
            os=about.user_agent,
            python="none",
        )

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        """Time files side by side in the page; a sample is made long, because clocks of pages are coarse.

        Raises:
            DeviceError: The page is away, failed, or sent what makes no sense.
        """
        models = _models(files)
        longer = replace(plan, sample_ms=max(plan.sample_ms, SAMPLE_MS))
        request = self._request(Work.TIME, models, plan=longer)
        contents = {model.sha256: file for model, file in zip(models, files, strict=True)}
        try:
            timing = read_timing(self._carry_out(request, contents).head, request)
        except UsageError as error:
            raise DeviceError(f"{self.name} sent times that make no sense: {error}") from None
        self._fastest_ms = min(self._fastest_ms, *timing.reference_ms)
        clock = f"a sample is a loop of {SAMPLE_MS:g} ms or more, because the page's clock steps by {self._clock()}"
        return Session(
            fingerprint=self.fingerprint(),
            conditions=Conditions(notes=(clock, *timing.notes(fastest_ms=self._fastest_ms))),
            samples=timing.samples,
            first_runs_ms=timing.first_runs_ms,
            seconds=timing.seconds,
        )

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        """Every output of the file for one batch, as the page gives it.

        Raises:
            DeviceError: The page is away, failed, or sent what makes no sense.
        """
        models = _models([file])
        array = np.ascontiguousarray(images)
        data = array.tobytes()
        content = Content(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
        picture = Picture(content=content, dtype=array.dtype.name, shape=array.shape)
        request = self._request(Work.RUN, models, images=picture)
        try:
            return read_outputs(self._carry_out(request, {models[0].sha256: file, content.sha256: data}))
        except UsageError as error:
            raise DeviceError(f"{self.name} sent outputs that make no sense: {error}") from None

    def _clock(self) -> str:
        step_us = self._about.clock_us
        return f"{step_us:.3g} microseconds" if step_us < 1000 else f"{step_us / 1e3:.3g} ms"

    def _request(
        self, work: Work, models: tuple[Content, ...], *, plan: Plan | None = None, images: Picture | None = None
    ) -> Request:
        return Request(
            work=work,
            models=models,
            threads=self._threads,
            backend=self._backend,
            plan=plan,
            images=images,
            client=client_name(),
        )

    def _carry_out(self, request: Request, contents: Mapping[str, Path | bytes]) -> Envelope:
        envelope = self._client.carry_out(self._about.name, request, contents)
        if "error" in envelope.head:
            raise DeviceError(f"{self.name}: {page_error(envelope.head)}")
        return envelope


def connect_browser(choice: DeviceChoice, *, folder: Path | None = None) -> BrowserDevice:
    """The page that ``browser:NAME`` names.

    Args:
        choice: The device as typed.
        folder: Where the hub's address lies; None takes the usual place.

    Raises:
        UsageError: An option or a value makes no sense.
        DeviceError: There is no hub or no such page, or it cannot do what is asked for.
    """
    for option in choice.options:
        if option != "backend":
            raise unknown(option, ("backend", "threads"), what=f"option of device {choice.name!r}")
    backend = choice.options.get("backend", _WASM)
    lookup(dict.fromkeys(BACKENDS), backend, what="value of backend")
    if choice.precision != FLOAT32:
        raise UsageError(f"{choice.text}: browsers take float32 files; leave {choice.precision} out")
    client = HubClient(find_hub(folder))
    about = _find(choice.place, client)
    _require_able(about, choice, backend)
    return BrowserDevice(client, about, name=choice.text, threads=choice.threads, backend=backend)


def _find(name: str, client: HubClient) -> About:
    browsers = {about.name: about for about in client.browsers()}
    if name in browsers:
        return browsers[name]
    near = closest(name, browsers)
    hint = f"; did you mean {near!r}" if near else ""
    raise DeviceError(
        f"no browser {name!r} is connected (connected: {', '.join(sorted(browsers)) or 'none'}){hint}; "
        f"open {client.address.page} in it, by the QR code on edgesmith web's page Phones"
    )


def _require_able(about: About, choice: DeviceChoice, backend: str) -> None:
    if not about.simd:
        raise DeviceError(f"{choice.text}: this browser's WebAssembly has no SIMD; use a newer one")
    if choice.threads > 1 and not about.isolated:
        raise DeviceError(
            f"{choice.text}: its page may use one thread only, because it is not cross-origin isolated; serve it over "
            "HTTPS (edgesmith web --certificate), or leave threads out"
        )
    if choice.threads > about.cores:
        raise UsageError(f"{choice.text}: it has {about.cores} cores; choose threads from 1 to {about.cores}")
    if backend == "webgpu" and not about.webgpu:
        why = "found no usable adapter" if about.secure else "is open at an insecure address; serve it over HTTPS"
        raise DeviceError(f"{choice.text}: WebGPU cannot be used, because its page {why}; leave backend out")


def _models(files: Sequence[Path]) -> tuple[Content, ...]:
    """The digest of each file; a file that occurs twice is read once."""
    for file in files:
        require_file(file)
    found = {file: Content(sha256=sha256_file(file), bytes=file.stat().st_size) for file in dict.fromkeys(files)}
    return tuple(found[file] for file in files)
