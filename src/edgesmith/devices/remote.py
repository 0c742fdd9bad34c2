"""Another machine as a device, over the agent that runs there."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from edgesmith.core.config import from_dict
from edgesmith.core.errors import DeviceError, EdgesmithError, UsageError
from edgesmith.core.files import sha256_file
from edgesmith.core.table import lookup
from edgesmith.deploy.base import FLOAT32, file_kind
from edgesmith.devices.agent.address import Address
from edgesmith.devices.agent.client import AgentClient
from edgesmith.devices.agent.protocol import TOKEN_VARIABLE, Content, Request, Work, check_token, mark
from edgesmith.devices.base import Array, Fingerprint, Session
from edgesmith.devices.options import DeviceChoice
from edgesmith.devices.plan import Plan
from edgesmith.runtimes.base import Runtime, model_files, require_companions
from edgesmith.runtimes.table import RUNTIMES

T = TypeVar("T")


class RemoteDevice:
    """A runtime on another machine, which times and runs there; see `edgesmith.devices.base.Device`.

    Args:
        client: Talks to the agent.
        runtime: What the files are for.
        name: The device as the user typed it.
        text: The device as the agent's own machine calls it, such as ``onnxruntime:threads=2``.
        precision: Number format of the files that are meant.
    """

    def __init__(
        self, client: AgentClient, runtime: Runtime, *, name: str, text: str, precision: str = FLOAT32
    ) -> None:
        self.name = name
        self.format = file_kind(runtime.format, precision)
        self._client = client
        self._runtime = runtime
        self._text = text

    def fingerprint(self) -> Fingerprint:
        """The setting that the latencies belong to, as the agent tells it."""
        _, result = self._client.carry_out(Request(work=Work.DESCRIBE, device=self._text), {})
        return replace(self._read(Fingerprint, result), device=self.name)

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        """Time files side by side on the other machine.

        Raises:
            DeviceError: The agent is away, refused, or sent what makes no sense.
        """
        models, contents = self._look_at(files)
        request = Request(work=Work.TIME, device=self._text, models=models, plan=plan)
        _, result = self._carry_out(request, files, contents)
        session = self._read(Session, result)
        if len(session.first_runs_ms) != len(files):
            raise self._client.malformed("a session of other files")
        return replace(session, fingerprint=replace(session.fingerprint, device=self.name))

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        """Every output of the file for one batch, to the bit as the other machine gives it.

        Raises:
            DeviceError: The agent is away, refused, or sent what makes no sense.
        """
        models, contents = self._look_at([file])
        pictures = _to_bytes(images)
        content = Content(sha256=hashlib.sha256(pictures).hexdigest(), bytes=len(pictures))
        request = Request(work=Work.RUN, device=self._text, models=models, images=content)
        job, result = self._carry_out(request, [file], {**contents, content.sha256: pictures})
        stream = io.BytesIO(self._client.outputs(job))
        try:
            return tuple(np.lib.format.read_array(stream, allow_pickle=False) for _ in range(int(result["outputs"])))
        except (ValueError, KeyError, TypeError):
            raise self._client.malformed("outputs that are no arrays") from None

    def _look_at(self, files: Sequence[Path]) -> tuple[tuple[tuple[Content, ...], ...], dict[str, Path]]:
        """The digests of each model's files, and the file of each digest."""
        models: list[tuple[Content, ...]] = []
        contents: dict[str, Path] = {}
        for file in files:
            require_companions(file, self._runtime.companion_suffixes)
            parts = model_files(file, self._runtime.companion_suffixes)
            digests = tuple(Content(sha256=sha256_file(part), bytes=part.stat().st_size) for part in parts)
            models.append(digests)
            contents.update(zip((each.sha256 for each in digests), parts, strict=True))
        return tuple(models), contents

    def _carry_out(
        self, request: Request, files: Sequence[Path], contents: Mapping[str, Path | bytes]
    ) -> tuple[str, Mapping[str, Any]]:
        """A job's result; what the agent says of its files is said of ours."""
        try:
            return self._client.carry_out(request, contents)
        except (DeviceError, UsageError) as error:
            raise type(error)(_with_paths(str(error), files)) from None

    def _read(self, cls: type[T], data: Mapping[str, Any]) -> T:
        try:
            return from_dict(cls, data)
        except EdgesmithError:
            raise self._client.malformed(f"no {cls.__name__.lower()}") from None


def connect(choice: DeviceChoice, *, environment: Mapping[str, str] = os.environ) -> RemoteDevice:
    """Make sure that an agent is there and has what is asked for.

    Args:
        choice: The device as typed.
        environment: Variables of the process; one holds the agent's token.

    Raises:
        DeviceError: There is no token, no agent, no such runtime on its machine, or the agent is busy.
        UsageError: The address, the runtime or an option makes no sense.
    """
    address = Address.parse(choice.place)
    runtime = lookup(RUNTIMES, choice.there, what="runtime of an agent")
    token = environment.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise DeviceError(f"agent {address} wants a token; set {TOKEN_VARIABLE} to the one that it printed")
    client = AgentClient(address, check_token(token))
    client.greet()
    device = RemoteDevice(client, runtime, name=choice.text, text=choice.text_there, precision=choice.precision)
    device.fingerprint()
    return device


def _to_bytes(array: Array) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
    return stream.getvalue()


def _with_paths(message: str, files: Sequence[Path]) -> str:
    for index, file in enumerate(files):
        message = message.replace(mark(index), str(file))
    return message
