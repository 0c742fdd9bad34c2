"""Building HTML and SVG so that text is escaped unless it was built here."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping

_VOID = frozenset({"br", "col", "hr", "img", "meta", "wbr"})
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

Attributes = Mapping[str, str | float | None]
Link = Callable[[int], str]


class Html(str):
    """Markup that must not be escaped again; joining it by hand gives a plain ``str``, which is."""

    __slots__ = ()


def clean(text: str) -> str:
    """``text`` with what cannot be written or shown (control characters, halves of surrogates) replaced.

    File names may hold any bytes, and Python decodes the odd ones to lone surrogates.
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def escape(text: str) -> Html:
    """``text`` as markup that shows it; markup stays as it is."""
    return text if isinstance(text, Html) else Html(html.escape(clean(text)))


def join(parts: Iterable[str], separator: str = "") -> Html:
    """The parts one after the other, those escaped that are not markup."""
    return Html(escape(separator).join(escape(part) for part in parts))


def element(name: str, attributes: Attributes, *children: str) -> Html:
    """One element; among its children text is escaped, markup is not.

    Numbers among the attributes are written with two decimals at most. ``None`` leaves an attribute out, an empty
    text gives a bare one.
    """
    opening = "".join([name, *(_attribute(key, value) for key, value in attributes.items() if value is not None)])
    if name in _VOID:
        return Html(f"<{opening}>")
    return Html(f"<{opening}>{join(children)}</{name}>")


def link_to(address: str | None, *children: str) -> Html:
    """The children as a link, or without one as they are; inside a drawing too."""
    return join(children) if address is None else element("a", {"href": address}, *children)


def _attribute(key: str, value: str | float) -> str:
    if isinstance(value, str):
        return f' {key}="{escape(value)}"' if value else f" {key}"
    return f' {key}="{format_number(value)}"'


def format_number(value: float) -> str:
    """At most two decimals, no trailing zeros, never ``-0``."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
