from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgesmith.report.markup import Html, clean, element, escape, format_number, join
from tests.report.pages import read_page


def test_text_is_escaped_and_markup_is_not() -> None:
    inner = element("b", {"title": 'say "<hi>"'}, "1 < 2 & 3")
    assert element("p", {}, inner, " <i>") == (
        '<p><b title="say &quot;&lt;hi&gt;&quot;">1 &lt; 2 &amp; 3</b> &lt;i&gt;</p>'
    )


def test_markup_joined_by_hand_is_text_again() -> None:
    assert element("p", {}, "" + Html("<b>") + "x") == "<p>&lt;b&gt;x</p>"


def test_attributes() -> None:
    assert element("img", {"alt": "", "src": None, "width": 12.0}) == '<img alt width="12">'
    assert [format_number(value) for value in (1.0, 1.256, -0.001, 120.5)] == ["1", "1.26", "0", "120.5"]


def test_names_that_are_no_unicode_can_be_written() -> None:
    name = b"caf\xe9\x1b[31m.jpg".decode("utf-8", "surrogateescape")
    assert clean(name) == "caf\ufffd\ufffd[31m.jpg"
    assert escape(name).encode("utf-8")


@given(st.lists(st.text()))
def test_any_text_comes_back_as_it_was(texts: list[str]) -> None:
    page = read_page(element("div", {}, *(element("p", {"title": text}, text) for text in texts)))
    wanted = [clean(text) for text in texts]
    assert [node.text for node in page.find("p")] == wanted
    assert [node.attributes["title"] for node in page.find("p")] == wanted


def test_join_escapes_its_parts() -> None:
    assert join(["a&b", element("wbr", {})], ", ") == "a&amp;b, <wbr>"
