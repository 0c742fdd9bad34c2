"""Templates: one environment for all pages; text is escaped unless the report's markup made it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from edgesmith import __version__
from edgesmith.core.units import format_bytes, format_duration
from edgesmith.report.markup import Html, clean
from edgesmith.report.tables import name_model
from edgesmith.report.wording import format_count, format_ms, format_share, latency_interval, plural
from edgesmith.web.addresses import address

# Address, words; the navigation of every page.
NAVIGATION: Final = (
    ("/", "Runs"),
    ("/bundles", "Bundles"),
    ("/compare", "Compare"),
    ("/jobs", "Jobs"),
    ("/phones", "Phones"),
)


class _Markup(str):
    """What Jinja takes as markup."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("edgesmith.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "address": lambda name, kind: address(kind, name),
        "bytes": format_bytes,
        "breakable": name_model,
        "count": format_count,
        "duration": format_duration,
        "interval": latency_interval,
        "ms": format_ms,
        "share": format_share,
        "plural": plural,
    }
    environment.globals |= {"navigation": NAVIGATION, "version": __version__}
    return environment


def _finalize(value: Any) -> Any:
    """Markup of the report's as it is; text without what cannot be written."""
    if isinstance(value, Html):
        return _Markup(value)
    return clean(value) if type(value) is str else value


_ENVIRONMENT: Final = _environment()


def render(
    request: Request, template: str, values: Mapping[str, Any] = MappingProxyType({}), *, status: int = 200
) -> HTMLResponse:
    """A page from a template; ``here`` is the address of the navigation's entry that it belongs to."""
    shared = {"here": "", "config": request.app.state.config, "path": request.url.path}
    text = _ENVIRONMENT.get_template(template).render({**shared, **values})
    return HTMLResponse(text.encode("utf-8", "replace"), status_code=status)
