"""The gate that every request passes: name, token, origin and size; and the headers of every answer.

Nothing behind it needs to think of these. It is plain ASGI, so that it also stands before websockets and files.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
import traceback
from collections.abc import Callable
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgesmith.core.units import format_bytes
from edgesmith.web.config import WebConfig
from edgesmith.web.headers import HEADERS
from edgesmith.web.hosts import is_our_name, is_same_origin

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
TOKEN_KEY: Final = "token"
FORM_BYTES: Final = 1_000_000

_SIGN_IN: Final = "This page needs the token: open the address that edgesmith web printed, with its ?token=..."

_FAULT: Final = "A fault of edgesmith's own; its terminal says more."


class TooLargeError(Exception):
    """A body is larger than its path takes."""


class Guard:
    """Middleware that lets a request through, answers it itself, or refuses it in one line.

    Args:
        app: What is behind it.
        config: How the application serves.
        limit_of: The most bytes of a body, by path.
    """

    def __init__(self, app: ASGIApp, *, config: WebConfig, limit_of: Callable[[str], int]) -> None:
        self._app, self._config, self._limit_of = app, config, limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope)
        if answer is not None:
            await self._answer(answer, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        authority = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not is_our_name(authority, self._config):
            return _line(HTTPStatus.MISDIRECTED_REQUEST, "This application is not called by that name.")
        if self._config.needs_token and not self._has_token(headers):
            return self._sign_in(scope)
        if scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS:
            return self._foreign(headers, scope, authority)
        return self._too_large(scope, headers)

    def _foreign(self, headers: Headers, scope: Scope, authority: str) -> Response | None:
        """Refuse what changes something unless a page of ours asked for it."""
        scheme = str(scope["scheme"]).replace("ws", "http")
        origin = headers.get("origin")
        own = origin is not None and is_same_origin(origin, scheme=scheme, authority=authority)
        if not own and not (self._config.needs_token and self._has_bearer(headers) and origin is None):
            return _line(HTTPStatus.FORBIDDEN, "Only pages of this application may ask for that.")
        return self._too_large(scope, headers)

    def _too_large(self, scope: Scope, headers: Headers) -> Response | None:
        limit, length = self._limit_of(scope["path"]), headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return _line(HTTPStatus.BAD_REQUEST, "The length of the request is not a number.")
        return _over(limit) if int(length) > limit else None

    def _has_token(self, headers: Headers) -> bool:
        return self._has_bearer(headers) or self._has_cookie(headers)

    def _has_bearer(self, headers: Headers) -> bool:
        kind, _, value = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and _same(value, self._config.token)

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        morsel = jar.get(cookie_name(self._config))
        return morsel is not None and _same(morsel.value, cookie_value(self._config))

    def _sign_in(self, scope: Scope) -> Response:
        """Exchange the token in the address for a cookie, and take it out of the address."""
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        given = [value for key, value in query if key == TOKEN_KEY]
        is_page = scope["type"] == "http" and scope["method"] in SAFE_METHODS
        if not (is_page and given and _same(given[-1], self._config.token)):
            return _line(HTTPStatus.UNAUTHORIZED, _SIGN_IN)
        rest = urlencode([(key, value) for key, value in query if key != TOKEN_KEY])
        path = "/" + scope.get("raw_path", b"/").decode("latin-1").partition("?")[0].lstrip("/\\")
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            cookie_name(self._config),
            cookie_value(self._config),
            httponly=True,
            secure=self._config.https,
            samesite="lax",
            max_age=30 * 24 * 3600,
        )
        return answer

    async def _answer(self, answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await answer(scope, receive, _with_headers(send))

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body as it comes, since a length need not be stated; whoever reads too much is answered 413."""
        limit, taken, begun = self._limit_of(scope["path"]), 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise TooLargeError
            return message

        async def sent(message: Message) -> None:
            nonlocal begun
            if taken > limit and not begun:
                raise TooLargeError  # what read the body made an error of its own of it
            begun = True
            await guarded(message)

        guarded = _with_headers(send)
        try:
            await self._app(scope, counted, sent)
        except ClientDisconnect:
            return
        except TooLargeError:
            if not begun:
                await _over(limit)(scope, receive, guarded)
        except Exception as error:
            _tell_fault(error)
            if begun:
                raise
            await _line(HTTPStatus.INTERNAL_SERVER_ERROR, _FAULT)(scope, receive, guarded)


def cookie_name(config: WebConfig) -> str:
    """Cookies are shared by all ports of a host, so the name holds the port."""
    return f"edgesmith_{config.port}"


def cookie_value(config: WebConfig) -> str:
    """What a browser keeps: made from the token, but not the token."""
    return hmac.new(config.token.encode(), b"edgesmith web cookie", hashlib.sha256).hexdigest()


def _same(given: str, secret: str) -> bool:
    """Whether two texts are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


def _line(status: HTTPStatus, text: str) -> Response:
    return PlainTextResponse(text + "\n", status_code=status)


def _tell_fault(error: Exception) -> None:
    """On the terminal, never to the client."""
    print(f"edgesmith: a fault of edgesmith's own: {type(error).__name__}: {error}", file=sys.stderr)
    if os.environ.get("EDGESMITH_DEBUG"):
        traceback.print_exception(error)


def _over(limit: int) -> Response:
    text = f"That is more than the {format_bytes(limit)} that are taken here."
    return PlainTextResponse(
        text + "\n", status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"connection": "close"}
    )


def _with_headers(send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return dressed
