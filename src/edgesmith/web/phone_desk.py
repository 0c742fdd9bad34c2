"""What the desk shows: the address that a phone opens, as a QR code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgesmith.core.authority import authority
from edgesmith.core.extras import require
from edgesmith.devices.browser.address import HubAddress
from edgesmith.report.markup import Html
from edgesmith.web.config import WebConfig, is_loopback
from edgesmith.web.hosts import shown_host
from edgesmith.web.security import TOKEN_KEY

PHONE_PAGE: Final = "/phone"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How a browser reaches the page.

    Attributes:
        address: With the token; None where only this machine reaches it.
        here: Address on this machine.
    """

    address: str | None
    here: str


def how_to_open(config: WebConfig) -> Opening:
    """The page's addresses."""
    scheme = "https" if config.https else "http"
    here = f"{scheme}://localhost:{config.port}{PHONE_PAGE}"
    if is_loopback(config.host):
        return Opening(address=None, here=here)
    return Opening(address=f"{_elsewhere(config)}?{TOKEN_KEY}={config.token}", here=here)


def hub_address(config: WebConfig, *, certificate: str) -> HubAddress:
    """What processes of this machine need to know of the hub.

    Args:
        config: With the port that was taken.
        certificate: Path of the certificate; empty for plain HTTP.
    """
    page = how_to_open(config).here if is_loopback(config.host) else _elsewhere(config)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)
    return HubAddress(host=host, port=config.port, token=config.token, page=page, certificate=certificate)


def qr_code(text: str) -> Html:
    """A QR code as SVG, dark on light in every colour scheme, for cameras want it so."""
    require("segno", extra="web")
    import segno

    drawn = segno.make(text, error="m", micro=False)
    return Html(drawn.svg_inline(omitsize=True, border=4, dark="#000000", light="#ffffff", title="The page's address"))


def _elsewhere(config: WebConfig) -> str:
    place = authority(shown_host(config), config.port)
    return f"{'https' if config.https else 'http'}://{place}{PHONE_PAGE}"
