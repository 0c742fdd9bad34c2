"""The measuring process's side of the talk with the hub: every failure is one line."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from edgesmith.core.authority import authority
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import DeviceError, EdgesmithError, UsageError
from edgesmith.core.units import format_bytes
from edgesmith.devices.agent.protocol import Problem
from edgesmith.devices.browser.address import HubAddress
from edgesmith.devices.browser.protocol import MAX_RESULT_BYTES, POLL_S, About, Envelope, Request

_ANSWER_S: Final = 30.0
_ROUNDS_OF_SENDING: Final = 3


class HubClient:
    """Talks to the hub of this machine, with a connection for each request and without proxies.

    Args:
        address: Where it listens, and its token.
    """

    def __init__(self, address: HubAddress) -> None:
        self.address = address

    def browsers(self) -> tuple[About, ...]:
        """The browsers that are connected.

        Raises:
            DeviceError: The hub is gone, or something else listens there.
        """
        try:
            return tuple(from_dict(About, each) for each in self._ask("GET", "/hub/browsers")["browsers"])
        except (UsageError, KeyError, TypeError, AttributeError):
            raise self._malformed() from None

    def carry_out(self, browser: str, request: Request, contents: Mapping[str, Path | bytes]) -> Envelope:
        """Have a browser do a job.

        Args:
            browser: Its name.
            request: The job.
            contents: The file, or the bytes, of every digest in it; sent where the hub lacks them.

        Raises:
            DeviceError: The browser or the hub refused, failed, or is gone.
        """
        job = self._submit(browser, request, contents)
        try:
            while not self._ask("GET", f"/hub/jobs/{job}").get("done"):
                pass
            return Envelope.unpack(self._exchange("GET", f"/hub/jobs/{job}/result"))
        except UsageError:
            raise self._malformed() from None
        except BaseException:
            with suppress(EdgesmithError):  # what went wrong is being said
                self._ask("DELETE", f"/hub/jobs/{job}")
            raise

    def _submit(self, browser: str, request: Request, contents: Mapping[str, Path | bytes]) -> str:
        body = json.dumps({"browser": browser, "request": to_dict(request)}).encode()
        for _ in range(_ROUNDS_OF_SENDING):
            answer = self._ask("POST", "/hub/jobs", body)
            if isinstance(answer.get("job"), str):
                return str(answer["job"])
            for sha256 in answer.get("missing", ()):
                if sha256 not in contents:
                    raise self._malformed()
                content = contents[sha256]
                self._ask(
                    "PUT", f"/hub/files/{sha256}", content if isinstance(content, bytes) else content.read_bytes()
                )
        raise DeviceError("the hub asks for the same files again and again; do several processes share it?")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Mapping[str, Any]:
        """An answer in JSON; a refusal is raised."""
        try:
            answer = json.loads(self._exchange(method, path, body))
        except (ValueError, RecursionError):
            raise self._malformed() from None
        if not isinstance(answer, dict):
            raise self._malformed()
        if "error" in answer:
            raise self._refusal(answer["error"])
        return answer

    def _exchange(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = self._connection()
        place = authority(self.address.host, self.address.port)
        headers = {
            "Authorization": f"Bearer {self.address.token}",
            "Origin": f"{'https' if self.address.certificate else 'http'}://{place}",
            "Host": place,
        }
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse().read(MAX_RESULT_BYTES + 1)
        except ConnectionRefusedError:
            raise DeviceError("the hub for browsers is gone: start edgesmith web again") from None
        except (OSError, http.client.HTTPException) as error:
            raise DeviceError(f"the hub for browsers does not answer ({error}): start edgesmith web again") from None
        finally:
            connection.close()
        if len(answer) > MAX_RESULT_BYTES:
            raise DeviceError(f"a result is over the limit of {format_bytes(MAX_RESULT_BYTES)}; send fewer pictures")
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        address, timeout = self.address, POLL_S + _ANSWER_S
        if not address.certificate:
            return http.client.HTTPConnection(address.host, address.port, timeout=timeout)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # it is this one certificate that is wanted, whatever names stand in it
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(address.certificate)
        except OSError as error:
            raise DeviceError(
                f"the hub's certificate {address.certificate} cannot be read ({error}): start edgesmith web again"
            ) from None
        return http.client.HTTPSConnection(address.host, address.port, timeout=timeout, context=context)

    def _refusal(self, error: Any) -> EdgesmithError:
        if not isinstance(error, dict) or not isinstance(error.get("message"), str):
            return self._malformed()
        message = " ".join(error["message"].split())[:1000]
        return UsageError(message) if error.get("problem") == Problem.USAGE else DeviceError(message)

    def _malformed(self) -> DeviceError:
        place = authority(self.address.host, self.address.port)
        return DeviceError(f"what listens at {place} makes no sense; is it edgesmith web of this version?")
