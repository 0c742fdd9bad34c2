"""Model cards as markup: what they use is shown, and nothing in them runs."""

from __future__ import annotations

import pytest

from edgesmith.deploy.bundle import Bundle
from edgesmith.web.markdown import render_markdown
from tests.report.pages import read_page


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("# A\n\n## B", "<h2>A</h2><h3>B</h3>"),
        ("one\ntwo\n\nthree", "<p>one two</p><p>three</p>"),
        ("- a\n- `b`", '<ul class="facts-list"><li>a</li><li><code>b</code></li></ul>'),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>"),
        ("[a](javascript:x)", "<p>[a](javascript:x)</p>"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>"),
        ("####### x", "<h6>x</h6>"),
        ("", ""),
        ("|", "<p>|</p>"),
    ],
)
def test_each_form(text: str, markup: str) -> None:
    assert render_markdown(text) == markup


def test_tables_have_heads() -> None:
    page = read_page(render_markdown("| a | b |\n|---|---|\n| 1 | `2` |"))
    assert [cell.text for cell in page.find("th")] == ["a", "b"]
    assert [cell.text for cell in page.find("td")] == ["1", "2"]


def test_a_card_is_shown_whole(tiny_bundle: Bundle) -> None:
    card = (tiny_bundle.folder / "model_card.md").read_text()
    page = read_page(render_markdown(card))
    shown = " ".join(page.text.split())
    for word in card.replace("|", " ").replace("`", "").split():
        assert word.strip("#-") in shown
    assert len(page.find("h3")) == card.count("\n## ")
