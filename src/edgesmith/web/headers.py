"""What every answer tells the browser to keep to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_CONTENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "default-src": "'none'",
        "script-src": "'self'",
        # Attributes alone: tints of a confusion matrix and colours of classes are values of the page.
        "style-src": "'self'",
        "style-src-attr": "'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
)


def content_policy(more: Mapping[str, str] = MappingProxyType({})) -> str:
    """The Content-Security-Policy; a page that needs more gives whole directives, which replace the usual ones."""
    return "; ".join(f"{name} {value}" for name, value in {**_CONTENT, **more}.items())


# Threads of WebAssembly need the page to be isolated from others: the two Cross-Origin policies.
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "content-security-policy": content_policy(),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        # Not "no-referrer": with it, browsers send "Origin: null" with the forms of our own pages.
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(self), microphone=(), geolocation=()",
        "cache-control": "no-store",
    }
)
