"""This phone is a device: the page, its requests, and those of the processes that measure on it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import UsageError
from edgesmith.devices.agent.protocol import STATUS, Problem, RefusedError
from edgesmith.devices.browser import protocol
from edgesmith.web.headers import content_policy
from edgesmith.web.phone_desk import PHONE_PAGE, how_to_open, qr_code
from edgesmith.web.render import render
from edgesmith.web.state import phones_of

RUNTIME_VERSION: Final = "1.30.0"

_STATIC: Final = Path(__file__).parent / "static"
_RUNTIME: Final = _STATIC / "onnxruntime-web"
_RUNTIME_KINDS: Final = {".mjs": "text/javascript", ".wasm": "application/wasm"}

# The page compiles WebAssembly, and its scripts start workers, which have the policy of their own file.
_POLICY: Final = {
    "content-security-policy": content_policy({"script-src": "'self' 'wasm-unsafe-eval'", "worker-src": "'self'"})
}
_KEPT: Final = {**_POLICY, "cache-control": "private, max-age=604800, immutable"}


class _Told(APIRoute):
    """A refusal is answered in JSON, as both sides of the protocol read it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except RefusedError as refusal:
                return JSONResponse(refusal.to_json(), STATUS[refusal.problem])
            except (UsageError, ValueError, RecursionError) as error:
                malformed = RefusedError(Problem.REQUEST, str(error)[:300])
                return JSONResponse(malformed.to_json(), STATUS[malformed.problem])

        return answer


async def _own_process(request: Request) -> None:
    """Let processes in that could read the hub's private file; a page of another site never has the token."""
    given = request.headers.get("authorization", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, f"Bearer {request.app.state.config.token}".encode()):
        raise RefusedError(Problem.TOKEN, "processes bring the token of the hub's private file")


router = APIRouter()
pages = APIRouter(prefix="/phone/pages", route_class=_Told)
hub = APIRouter(prefix="/hub", route_class=_Told, dependencies=[Depends(_own_process)])


async def _object(request: Request) -> dict[str, Any]:
    data = await request.json()
    if not isinstance(data, dict):
        raise UsageError("an object is wanted")
    return data


@router.get("/phones")
async def desk(request: Request) -> Response:
    """How a phone becomes a device, and which are."""
    opening = how_to_open(request.app.state.config)
    values = {
        "here": "/phones",
        "opening": opening,
        "qr": None if opening.address is None else qr_code(opening.address),
        "pages": phones_of(request).pages(),
    }
    return render(request, "phone_desk.html", values)


@router.get(PHONE_PAGE)
async def phone(request: Request) -> Response:
    """The page that makes its browser a device."""
    answer = render(
        request, "phone.html", {"here": "/phones", "runtime": f"/static/onnxruntime-web/{RUNTIME_VERSION}/"}
    )
    answer.headers.update(_POLICY)
    return answer


@router.get("/static/phone_worker.js")
async def worker() -> Response:
    """The script that runs files, apart from the page."""
    return FileResponse(_STATIC / "phone_worker.js", media_type="text/javascript", headers=_POLICY)


@router.get("/static/onnxruntime-web/{address:path}")
async def runtime(address: str) -> Response:
    """Files of onnxruntime-web; browsers may keep them, since their version is part of the address."""
    version, _, name = address.partition("/")
    known = {path.name: path for path in _RUNTIME.iterdir() if path.suffix in _RUNTIME_KINDS}
    if version != RUNTIME_VERSION or name not in known:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    return FileResponse(known[name], media_type=_RUNTIME_KINDS[known[name].suffix], headers=_KEPT)


@pages.post("")
async def register(request: Request) -> dict[str, Any]:
    """A page becomes a device.

    Raises:
        UsageError: The key is too short or too long.
    """
    data = await _object(request)
    key = data.pop("key", "")
    if not isinstance(key, str) or not 16 <= len(key) <= 64:
        raise UsageError("a browser remembers a key of 16 to 64 characters")
    return {"page": phones_of(request).register(from_dict(protocol.About, data), key), "poll_s": protocol.POLL_S}


@pages.post("/{secret}/wait")
async def wait(secret: str, request: Request) -> dict[str, Any]:
    """What the page should begin or stop."""
    state = from_dict(protocol.State, await _object(request))
    return await phones_of(request).wait(secret, state, request.is_disconnected)


@pages.get("/{secret}/files/{sha256}")
async def file(secret: str, sha256: str, request: Request) -> Response:
    """A file of the page's job."""
    return Response(phones_of(request).file_for(secret, sha256), media_type="application/octet-stream")


@pages.post("/{secret}/jobs/{name}")
async def finish(secret: str, name: str, request: Request) -> dict[str, Any]:
    """The result of the page's job."""
    phones_of(request).finish(secret, name, await request.body())
    return {}


@pages.post("/{secret}/bye")
async def bye(secret: str, request: Request) -> dict[str, Any]:
    """The page is being closed."""
    phones_of(request).leave(secret)
    return {}


@hub.get("/browsers")
async def browsers(request: Request) -> dict[str, Any]:
    """Which browsers are connected."""
    return {"browsers": [to_dict(page.about) for page in phones_of(request).pages()]}


@hub.put("/files/{sha256}")
async def put_file(sha256: str, request: Request) -> dict[str, Any]:
    """The bytes of a file."""
    phones_of(request).files.put(sha256, await request.body())
    return {}


@hub.post("/jobs")
async def submit(request: Request) -> dict[str, Any]:
    """A job for a browser."""
    data = await _object(request)
    return phones_of(request).submit(str(data.get("browser")), from_dict(protocol.Request, data.get("request") or {}))


@hub.get("/jobs/{name}")
async def wait_for(name: str, request: Request) -> dict[str, Any]:
    """Whether a job is done."""
    return {"done": await phones_of(request).wait_for(name, request.is_disconnected)}


@hub.get("/jobs/{name}/result")
async def result(name: str, request: Request) -> Response:
    """What the page sent back."""
    return Response(phones_of(request).result(name), media_type="application/octet-stream")


@hub.delete("/jobs/{name}")
async def cancel(name: str, request: Request) -> dict[str, Any]:
    """Stop a job."""
    phones_of(request).cancel(name)
    return {}


router.include_router(pages)
router.include_router(hub)
