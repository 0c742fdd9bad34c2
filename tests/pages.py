"""The code that pages show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
AS_IT_STANDS: Final[Mapping[str, str]] = MappingProxyType({})


def code_of(page: str, language: str = "python") -> list[str]:
    """The blocks of a page, by its path in the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run_code(
    text: str, page: str, names: Mapping[str, Any], *, instead: Mapping[str, str] = AS_IT_STANDS
) -> dict[str, Any]:
    """Run a block, and return everything that it then knows.

    Args:
        text: The block.
        page: Where it stands.
        names: What the page takes for granted.
        instead: What stands for what a test cannot wait for; the block must say it once.
    """
    for told, short in instead.items():
        assert text.count(told) == 1, f"{page} does not say {told!r} once"
        text = text.replace(told, short)
    known = dict(names)
    exec(compile(text, page, "exec", dont_inherit=True), known)
    return known
