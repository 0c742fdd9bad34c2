"""Bars without letters that stretch to whatever room they get; the figures stand beside them in the page."""

from __future__ import annotations

from edgesmith.report.markup import Html, element, join


def draw_bar(share: float, *, kind: str) -> Html:
    """A bar that fills ``share`` (0..1) of its width, in the style sheet's class ``kind``."""
    return _stretched(_part("track", 0, 1), _part(kind, 0, share))


def draw_gauge(value: float, *, low: float, high: float, limit: float | None, most: float) -> Html:
    """A bar to ``value`` with its interval and a mark at ``limit``; the track ends at ``most``."""
    whisker = _part("whisker", low / most, high / most, inset=3.5)
    mark = join([]) if limit is None else _part("limit", limit / most - 0.004, limit / most + 0.004)
    return _stretched(_part("track", 0, 1, inset=2), _part("fill", 0, value / most, inset=2), whisker, mark)


def draw_pair(forecast: float, actual: float, *, most: float) -> Html:
    """Two thin bars, one above the other: what was thought, and what came."""
    return _stretched(
        _part("forecast", 0, forecast / most, inset=0.5, height=4),
        _part("actual", 0, actual / most, inset=5.5, height=4),
    )


def _stretched(*parts: str) -> Html:
    attributes = {"class": "bar", "viewBox": "0 0 100 10", "preserveAspectRatio": "none", "aria-hidden": "true"}
    return element("svg", attributes, *parts)


def _part(kind: str, start: float, end: float, *, inset: float = 0, height: float | None = None) -> Html:
    left, right = (100 * min(1.0, max(0.0, share)) for share in (start, end))
    tall = 10 - 2 * inset if height is None else height
    return element("rect", {"class": kind, "x": left, "y": inset, "width": right - left, "height": tall})
