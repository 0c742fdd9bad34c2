"""The pictures that came out wrong."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from edgesmith.report.bars import draw_bar
from edgesmith.report.content import ClassGuess, Mistake
from edgesmith.report.markup import Html, element, join
from edgesmith.report.placed import ClassColour, Overlay
from edgesmith.report.wording import format_share, plural

_SHOWN_AT_ONCE = 12
_GUESSES = 3


def show_mistakes(mistakes: Sequence[Mistake]) -> Html:
    """A wall of pictures with truth and guesses; those after the first dozen fold away."""
    first, rest = mistakes[:_SHOWN_AT_ONCE], mistakes[_SHOWN_AT_ONCE:]
    folded = element(
        "details",
        {},
        element("summary", {}, f"{plural(len(rest), 'more picture')}"),
        _wall(rest),
    )
    return join([_wall(first), folded if rest else join([])])


def show_overlays(overlays: Sequence[Overlay], colours: Sequence[ClassColour]) -> Html:
    """A wall of answers beside the truth, under a key of the colours; those after the first dozen fold away."""
    first, rest = overlays[: _SHOWN_AT_ONCE // 2], overlays[_SHOWN_AT_ONCE // 2 :]
    key = element(
        "ul",
        {"class": "key-list"},
        *(
            element("li", {}, element("span", {"class": "swatch", "style": f"background:{each.colour}"}), each.name)
            for each in colours
        ),
    )
    folded = element("details", {}, element("summary", {}, f"{plural(len(rest), 'more picture')}"), _overlay_wall(rest))
    return join([key, _overlay_wall(first), folded if rest else join([])])


def embed_jpeg(content: bytes) -> str:
    """A data URI, so that the page needs no other file."""
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode('ascii')}"


def _overlay_wall(overlays: Sequence[Overlay]) -> Html:
    return element("ul", {"class": "pairs"}, *(element("li", {}, _show_overlay(overlay)) for overlay in overlays))


def _show_overlay(overlay: Overlay) -> Html:
    pictures = [
        element("img", {"src": embed_jpeg(jpeg), "alt": f"{overlay.file}, {what}", "loading": "lazy"})
        for jpeg, what in ((overlay.answer, "the answer"), (overlay.truth, "the truth"))
    ]
    caption = element(
        "figcaption",
        {},
        element("p", {"class": "truth"}, f"answer left, truth right: {overlay.words}"),
        element("p", {"class": "file"}, element("code", {"class": "file", "title": overlay.file}, overlay.file)),
    )
    return element("figure", {}, element("div", {"class": "pair"}, *pictures), caption)


def _wall(mistakes: Sequence[Mistake]) -> Html:
    return element("ul", {"class": "wall"}, *(element("li", {}, _show(mistake)) for mistake in mistakes))


def _show(mistake: Mistake) -> Html:
    predicted = mistake.guesses[0].name if mistake.guesses else "nothing"
    picture = {
        "src": embed_jpeg(mistake.thumbnail),
        "alt": f"{mistake.truth}, predicted as {predicted}",
        "loading": "lazy",
    }
    guesses = [_guess(guess, right=guess.name == mistake.truth) for guess in mistake.guesses[:_GUESSES]]
    caption = element(
        "figcaption",
        {},
        element("p", {"class": "truth"}, "is ", element("strong", {}, mistake.truth)),
        element("ul", {"class": "guesses"}, *guesses),
        element("p", {"class": "file"}, element("code", {"class": "file", "title": mistake.file}, mistake.file)),
    )
    return element("figure", {}, element("img", picture), caption)


def _guess(guess: ClassGuess, *, right: bool) -> Html:
    return element(
        "li",
        {"class": "right" if right else "wrong"},
        element("span", {"class": "guess-name"}, guess.name),
        element("span", {"class": "guess-score"}, f"{format_share(guess.score)} %"),
        draw_bar(guess.score, kind="score"),
    )
