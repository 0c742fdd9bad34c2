"""What a page in a browser, the hub (``edgesmith web``) and a process that measures say to each other.

The process talks to the hub over loopback:

====== ====================== ==========================================================================
GET    /hub/browsers          which browsers are connected: a list of `About`
PUT    /hub/files/SHA256      the bytes of a file
POST   /hub/jobs              ``{"browser": NAME, "request": Request}``; answers ``{"job": ID}``
GET    /hub/jobs/ID           waits `POLL_S` for the end: ``{"done": false}``, or ``{"done": true}``
GET    /hub/jobs/ID/result    an `Envelope`
DELETE /hub/jobs/ID           stop it
====== ====================== ==========================================================================

The page keeps one request open, by which the hub knows that it is there:

====== ========================= =======================================================================
POST   /phone/pages              an `About`; answers ``{"page": ID}``, a secret of this page
POST   /phone/pages/ID/wait      a `State`; waits `POLL_S` for ``{"job": ..}`` or ``{"stop": JOB}``
GET    /phone/pages/ID/files/SHA the bytes of a file, of the page's own job only
POST   /phone/pages/ID/jobs/JOB  an `Envelope` with the result, or with ``{"error": TEXT}``
POST   /phone/pages/ID/bye       the page is being closed
====== ========================= =======================================================================

A refusal has the form of the agent's. Nothing that was sent is taken for a path, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.devices.agent.protocol import Content, Work
from edgesmith.devices.options import REGISTERED
from edgesmith.devices.plan import Plan

PROTOCOL: Final = 1
POLL_S: Final = 10.0
MAX_FILE_BYTES: Final = 100_000_000
MAX_FILES_BYTES: Final = 300_000_000
MAX_RESULT_BYTES: Final = 100_000_000
BACKENDS: Final = ("wasm", "webgpu")
DTYPES: Final = (
    "float32",
    "float64",
    "float16",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "bool",
)
_LONGEST: Final = 300
_HEAD: Final = struct.Struct("<I")


@dataclass(frozen=True, kw_only=True)
class About:
    """What a page says of itself.

    Attributes:
        name: The name that its owner gave it.
        user_agent: How the browser calls itself.
        model: The device or the processor, where the browser tells.
        version: Of onnxruntime-web.
        cores: Logical cores that the browser admits to.
        isolated: Whether the page is cross-origin isolated: only then there are threads and a fine clock.
        secure: Whether its address counts as secure: only then there is a wake lock, or WebGPU.
        simd: Whether WebAssembly has SIMD.
        webgpu: Whether an adapter of WebGPU was found, and the browser can wait for it within WebAssembly.
        clock_us: The least step of the page's clock, microseconds.
    """

    name: str
    user_agent: str
    model: str
    version: str
    cores: int
    isolated: bool
    secure: bool
    simd: bool
    webgpu: bool
    clock_us: float

    def __post_init__(self) -> None:
        if not re.fullmatch(REGISTERED, self.name):
            raise UsageError(f"a browser's name has 1 to 40 letters, digits and ._-, got {self.name[:60]!r}")
        for name in ("user_agent", "model", "version"):
            text = getattr(self, name)
            if len(text) > _LONGEST or not text.isprintable():
                raise UsageError(f"{name} has at most {_LONGEST} printable characters, got {len(text)}")
        if not 1 <= self.cores <= 1024:
            raise UsageError(f"cores are 1 to 1024, got {self.cores}")
        if not 0 <= self.clock_us <= 1e6:
            raise UsageError(f"clock_us is 0 to 1000000, got {self.clock_us}")


@dataclass(frozen=True, kw_only=True)
class State:
    """What a page tells of itself with every request that waits.

    Attributes:
        hidden: Whether the page cannot be seen.
        job: The job that it is doing; empty for none.
    """

    hidden: bool = False
    job: str = ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An array that a file is run on: its bytes in C order.

    Attributes:
        content: The bytes, by their digest.
        dtype: numpy's name of the type.
        shape: Sizes along each axis.
    """

    content: Content
    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        lookup(dict.fromkeys(DTYPES), self.dtype, what="type of an array")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A job.

    Attributes:
        work: `Work.TIME` or `Work.RUN`.
        models: The ONNX file of each subject.
        threads: Threads that share one run.
        backend: What computes: ``wasm`` or ``webgpu``.
        plan: How to time; for `Work.TIME`.
        images: What to run on; for `Work.RUN`.
        client: The process that asks, for people.
    """

    work: Work
    models: tuple[Content, ...]
    threads: int
    backend: str
    plan: Plan | None = None
    images: Picture | None = None
    client: str = ""

    def __post_init__(self) -> None:
        lookup(dict.fromkeys(BACKENDS), self.backend, what="backend of a browser")
        if self.work not in (Work.TIME, Work.RUN) or not self.models or self.threads < 1:
            raise UsageError("a browser times or runs one file or more, with one thread or more")
        if (self.work is Work.TIME) != (self.plan is not None) or (self.work is Work.RUN) != (self.images is not None):
            raise UsageError("timing needs a plan, and a run needs pictures")
        if self.work is Work.RUN and len(self.models) != 1:
            raise UsageError(f"a run takes one model, got {len(self.models)}")
        if len(self.client) > _LONGEST or not self.client.isprintable():
            raise UsageError(f"client has at most {_LONGEST} printable characters")

    @property
    def contents(self) -> tuple[Content, ...]:
        """Every file that the job needs, once."""
        images = () if self.images is None else (self.images.content,)
        return tuple(dict.fromkeys((*self.models, *images)))

    @property
    def about(self) -> str:
        """The job in a few words."""
        files = f"{len(self.models)} file{'s' * (len(self.models) != 1)}"
        return f"{'timing' if self.work is Work.TIME else 'running'} {files}"


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A result: an object of JSON, and bytes behind it.

    On the wire: the length of the JSON in four bytes, the lowest first; the JSON; the bytes.

    Attributes:
        head: The object.
        body: The bytes.
    """

    head: Mapping[str, Any]
    body: bytes = b""

    def pack(self) -> bytes:
        """What goes over the wire."""
        head = json.dumps(self.head, separators=(",", ":")).encode()
        return _HEAD.pack(len(head)) + head + self.body

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read what `pack`, or the page, has written.

        Raises:
            UsageError: It is something else.
        """
        try:
            (length,) = _HEAD.unpack_from(data)
            text = data[_HEAD.size : _HEAD.size + length]
            head = json.loads(text) if len(text) == length else None
        except (struct.error, ValueError, RecursionError):
            head = None
        if not isinstance(head, dict):
            raise UsageError("a result is the length of its JSON, the JSON of an object, and bytes")
        return cls(head=head, body=data[_HEAD.size + length :])
