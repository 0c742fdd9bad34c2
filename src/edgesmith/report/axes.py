"""The frame that the plots share: a labelled drawing, grid lines, ticks and axis titles.

Plots are drawn by hand, not by matplotlib, because the page's style sheet can then colour them for light and dark,
each mark can carry a title, and the web page can use the same functions without the training install.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edgesmith.report.markup import Html, element, join
from edgesmith.report.scale import Scale


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Size of a drawing and the four sides of its plot area, all in pixels from the top left."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A scale with its title and the way its ticks are written."""

    scale: Scale
    title: str
    write: Callable[[float], str] = "{:g}".format


class Drawer(Protocol):
    """Draws something at a size in pixels; its identifier holds the width."""

    def __call__(self, *, width: float, height: float) -> Html:
        """The drawing."""


def for_both(draw: Drawer, *, desk: tuple[float, float], phone: tuple[float, float]) -> Html:
    """A drawing of one size for desks and of another for phones, since its letters shrink with it.

    Args:
        draw: Called twice.
        desk: Width and height on a desk; the style sheet shows the one that fits the window.
        phone: Width and height on a phone.
    """
    sizes = {"desk": desk, "phone": phone}
    return join(element("div", {"class": kind}, draw(width=w, height=h)) for kind, (w, h) in sizes.items())


def drawing(
    identifier: str, *shapes: str, title: str, description: str, width: float, height: float, has_links: bool = False
) -> Html:
    """An SVG that a screen reader announces as one picture, or as a group where there are links in it.

    ``identifier`` must be unique on the page.
    """
    title_id, description_id = f"{identifier}-title", f"{identifier}-desc"
    attributes = {
        "class": "plot",
        "role": "group" if has_links else "img",
        "viewBox": f"0 0 {width:g} {height:g}",
        "aria-labelledby": f"{title_id} {description_id}",
    }
    heading = element("title", {"id": title_id}, title)
    return element("svg", attributes, heading, element("desc", {"id": description_id}, description), *shapes)


def write_percent(share: float) -> str:
    """A tick of an accuracy axis."""
    return f"{round(100 * share, 6):g} %"


def write_thousands(count: float) -> str:
    """A tick of a counting axis: ``20k``."""
    return f"{count:g}" if count < 1e3 else f"{count / 1e3:g}k" if count < 1e6 else f"{count / 1e6:g}M"


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str) -> Html:
    """A straight line of the style sheet's class ``kind``."""
    return element("line", {"class": kind, "x1": x1, "y1": y1, "x2": x2, "y2": y2})


def text(x: float, y: float, words: str, *, kind: str, anchor: str = "start") -> Html:
    """Words whose baseline starts, is centred or ends at (x, y)."""
    return element("text", {"class": kind, "x": x, "y": y, "text-anchor": anchor}, words)


def grid(frame: Frame, *, x: Axis, y: Axis, ticks_y: float | None = None) -> Html:
    """Grid lines, tick labels and axis titles; both titles lie flat, so that nobody has to turn the head.

    The x axis stands at ``ticks_y``, by default at the bottom of the plot area.
    """
    floor = frame.bottom if ticks_y is None else ticks_y
    rows = [
        join(
            [
                line(frame.left, at, frame.right, at, kind="grid"),
                text(frame.left - 8, at + 4, y.write(tick), kind="tick", anchor="end"),
            ]
        )
        for tick in y.scale.ticks
        for at in [y.scale.place(tick)]
    ]
    columns = [
        join(
            [
                line(at, floor, at, floor + 4, kind="axis"),
                text(at, floor + 18, x.write(tick), kind="tick", anchor="middle"),
            ]
        )
        for tick in x.scale.ticks
        for at in [x.scale.place(tick)]
    ]
    base = line(frame.left, floor, frame.right, floor, kind="axis")
    titles = [
        text(0, 12, y.title, kind="axis-title"),
        text(frame.right, floor + 38, x.title, kind="axis-title", anchor="end"),
    ]
    return join([*rows, *columns, base, *titles])
