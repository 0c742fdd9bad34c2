"""What agent and client say to each other: HTTP, JSON, files named by their SHA-256, arrays as ``.npy`` bytes.

====== ================== ==============================================================================
GET    /health            which protocol is spoken; the only path that needs no token
PUT    /files/SHA256      the bytes of a file
POST   /jobs              a `Request`; answers ``{"job": ID}``, or which files are missing
GET    /jobs/ID           waits `POLL_S` for the end: ``{"done": false}``, or ``{"done": true, "result": {..}}``
GET    /jobs/ID/outputs   what a run gave: ``.npy`` arrays, one behind the other
DELETE /jobs/ID           stop it
====== ================== ==============================================================================

Every request but the first brings the token, the protocol's version and a name of the client's process. A refusal is
``{"error": {"problem": .., "message": .., "missing": [..]}}``. Nothing is ever unpickled, and nothing that
was sent is taken for a path.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.plan import Plan

PROTOCOL: Final = 2
PROTOCOL_HEADER: Final = "Edgesmith-Protocol"
CLIENT_HEADER: Final = "Edgesmith-Client"
CLIENT: Final = "[A-Za-z0-9._-]{1,100}"
TOKEN_VARIABLE: Final = "EDGESMITH_AGENT_TOKEN"
DEFAULT_PORT: Final = 8765
POLL_S: Final = 10.0
SHA256: Final = "[0-9a-f]{64}"
_TOKEN: Final = r"[A-Za-z0-9._~+/=-]{16,256}"


class Problem(StrEnum):
    """Why an agent refused or failed."""

    TOKEN = "token"
    PROTOCOL = "protocol"
    REQUEST = "request"
    BUSY = "busy"
    MISSING = "missing"
    SIZE = "size"
    HASH = "hash"
    SPACE = "space"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    USAGE = "usage"
    DEVICE = "device"


STATUS: Final[Mapping[Problem, HTTPStatus]] = MappingProxyType(
    {
        Problem.TOKEN: HTTPStatus.UNAUTHORIZED,
        Problem.PROTOCOL: HTTPStatus.BAD_REQUEST,
        Problem.REQUEST: HTTPStatus.BAD_REQUEST,
        Problem.BUSY: HTTPStatus.CONFLICT,
        Problem.MISSING: HTTPStatus.PRECONDITION_FAILED,
        Problem.SIZE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        Problem.HASH: HTTPStatus.UNPROCESSABLE_ENTITY,
        Problem.SPACE: HTTPStatus.INSUFFICIENT_STORAGE,
        Problem.UNKNOWN: HTTPStatus.NOT_FOUND,
        Problem.STOPPED: HTTPStatus.SERVICE_UNAVAILABLE,
        Problem.USAGE: HTTPStatus.UNPROCESSABLE_ENTITY,
        Problem.DEVICE: HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


class RefusedError(DeviceError):
    """What an agent answers instead of a result.

    Args:
        problem: The kind of refusal.
        message: One line for people.
        missing: Hashes of the files that must be sent first.
    """

    def __init__(self, problem: Problem, message: str, *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problem = problem
        self.missing = missing

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"problem": self.problem.value, "message": str(self), "missing": list(self.missing)}}


class Work(StrEnum):
    """What a job does."""

    DESCRIBE = "describe"
    TIME = "time"
    RUN = "run"


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file's bytes, by their digest.

    Attributes:
        sha256: Hex digest, in small letters.
        bytes: Length.
    """

    sha256: str
    bytes: int

    def __post_init__(self) -> None:
        if not re.fullmatch(SHA256, self.sha256):
            raise UsageError(f"a SHA-256 digest has 64 hex digits, got {self.sha256[:80]!r}")
        if self.bytes < 0:
            raise UsageError(f"a file has 0 bytes or more, got {self.bytes}")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A job.

    Attributes:
        work: What to do.
        device: The device as the agent's own machine calls it, such as ``onnxruntime:threads=2``.
        models: For each model its file, and those that lie beside it in the order of the runtime's suffixes.
        plan: How to time; for `Work.TIME`.
        images: One ``.npy`` array; for `Work.RUN`.
    """

    work: Work
    device: str
    models: tuple[tuple[Content, ...], ...] = ()
    plan: Plan | None = None
    images: Content | None = None

    def __post_init__(self) -> None:
        if (self.work is Work.TIME) != (self.plan is not None):
            raise UsageError("a plan belongs to timing, and timing needs one")
        if (self.work is Work.RUN) != (self.images is not None):
            raise UsageError("pictures belong to a run, and a run needs them")
        if self.work is Work.RUN and len(self.models) != 1:
            raise UsageError(f"a run takes one model, got {len(self.models)}")

    @property
    def contents(self) -> tuple[Content, ...]:
        """Every file that the job needs, once."""
        images = () if self.images is None else (self.images,)
        return tuple(dict.fromkeys((*(part for model in self.models for part in model), *images)))

    @property
    def about(self) -> str:
        """The job in a few words."""
        if self.work is Work.DESCRIBE:
            return f"describing {self.device}"
        files = f"{len(self.models)} file{'s' * (len(self.models) != 1)}"
        return f"{'timing' if self.work is Work.TIME else 'running'} {files} on {self.device}"


def make_token() -> str:
    """A secret of 192 bits, fit for a header and for a shell."""
    return secrets.token_urlsafe(24)


def check_token(token: str) -> str:
    """The token, or a refusal of what is too short or cannot stand in a header.

    Raises:
        UsageError: It has fewer than 16 characters, or others than letters, digits and ``._~+/=-``.
    """
    if not re.fullmatch(_TOKEN, token):
        raise UsageError(
            f"an agent's token has 16 to 256 letters, digits or ._~+/=-, got one of {len(token)} characters; "
            "without --token the agent makes one"
        )
    return token


def mark(index: int) -> str:
    """What stands for the path of a job's model in the agent's messages; the client puts its own path there."""
    return f"<model {index}>"
