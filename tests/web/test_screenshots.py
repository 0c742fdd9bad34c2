"""The pictures in docs/web are those that its page links, and none is missing."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
LINKED = set(re.findall(r"\]\(web/([\w-]+\.png)\)", (DOCS / "web.md").read_text()))
SIZES = {390: 844, 1280: 900}


def test_every_picture_is_linked() -> None:
    assert {path.name for path in (DOCS / "web").glob("*.png")} == LINKED


def test_every_page_has_one_for_each_width_and_scheme() -> None:
    pages = {name.partition("-")[0] for name in LINKED}
    assert len(pages) == 13
    assert {f"{page}-{width}-{s}.png" for page, width, s in product(pages, SIZES, ("light", "dark"))} == LINKED


def test_their_sizes_are_those_of_the_windows() -> None:
    for name in LINKED:
        width = int(name.split("-")[1])
        with Image.open(DOCS / "web" / name) as image:
            assert image.size == (width, SIZES[width])
