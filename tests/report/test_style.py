"""Contrast by the formula of WCAG 2.2: 4.5 for text, 3 for lines and fills that carry meaning."""

from __future__ import annotations

import re

import pytest

from edgesmith.report.page import read_style

TEXT = [
    ("ink", "page"),
    ("soft", "page"),
    ("steel", "page"),
    ("ember", "page"),
    ("good", "page"),
    ("bad", "page"),
    ("on-steel", "steel"),
    ("page", "ember"),
    ("ink", "well"),
    ("soft", "well"),
    ("ink", "heat-right"),
    ("ink", "heat-wrong"),
]
MARKS = [("axis", "page"), ("axis", "well"), ("fill", "page"), ("steel", "well"), ("ember", "well"), ("good", "page")]


def colours(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", read_style(), flags=re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks)
    assert light.keys() == dark.keys()
    return light if scheme == "light" else dark


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_standard_ends() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_can_be_read(scheme: str, front: str, back: str) -> None:
    palette = colours(scheme)
    assert contrast(palette[front], palette[back]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), MARKS)
def test_marks_can_be_seen(scheme: str, front: str, back: str) -> None:
    palette = colours(scheme)
    assert contrast(palette[front], palette[back]) >= 3


def test_every_variable_that_is_used_is_defined() -> None:
    used = set(re.findall(r"var\(--([\w-]+)\)", read_style())) - {"share", "sans", "mono"}
    assert used == colours("light").keys()
