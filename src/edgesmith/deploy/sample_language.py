"""How a language's sample code is put together: a shared start, a runtime's part and a shared end make one file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class Language:
    """What differs between languages.

    Attributes:
        before: The shared part with the preprocessing; None where a runtime's part holds that.
        imports: Pattern of the lines that the whole file has at its top.
        inner: Pattern of the lines by which the parts name one another; the whole file has no use for them.
        brackets: What stands around three numbers.
        words: How false and true are written.
        escapes: Characters that a string must mark, beyond those of JSON.
        gap: Between the parts.
    """

    before: str | None = None
    imports: str
    inner: str = r"(?!)"
    brackets: tuple[str, str]
    words: tuple[str, str] = ("false", "true")
    escapes: str = ""
    gap: str = "\n\n"

    def literal(self, value: str | bool | int | float | tuple[float, ...]) -> str:
        """A value in the language's own writing."""
        if isinstance(value, str):
            quoted = json.dumps(value, ensure_ascii=False)
            return "".join(f"\\{letter}" if letter in self.escapes else letter for letter in quoted)
        if isinstance(value, bool):
            return self.words[value]
        if isinstance(value, tuple):
            return ", ".join(map(repr, value)).join(self.brackets)
        return repr(value)


LANGUAGES: Final[Mapping[str, Language]] = MappingProxyType(
    {
        ".py": Language(
            before="picture.py",
            imports=r"(import|from) (?!edgesmith)",
            inner=r"from edgesmith",
            brackets=("(", ")"),
            words=("False", "True"),
            gap="\n\n\n",
        ),
        ".cpp": Language(
            before="picture.hpp",
            imports=r"#include <",
            inner=r'#pragma once|#include "(picture|main)\w*\.hpp"',
            brackets=("{", "}"),
        ),
        ".kt": Language(before="picture.kt", imports=r"import ", brackets=("doubleArrayOf(", ")"), escapes="$"),
        ".swift": Language(imports=r"import ", brackets=("[", "]")),
    }
)


def join(parts: Sequence[str], main: int, language: Language) -> str:
    """One file: the head of one part, the imports of all, then their bodies in order.

    Args:
        parts: Texts of the files, each with a comment as its head.
        main: Index of the part whose head stays.
        language: Of all of them.
    """
    taken = [_take_apart(part, language) for part in parts]
    imports = {line for _, lines, _ in taken for line in lines}
    body = language.gap.join(body for _, _, body in taken)
    return f"{taken[main][0]}\n\n{_arranged(imports)}\n\n{body}\n"


def set_constants(text: str, constants: Mapping[str, Any], language: Language) -> str:
    """Replace the values of the constants that a file has; none may be set twice."""
    for name, value in constants.items():
        pattern = rf"^( *(?:[\w:]+ )*{name}(?:\[\])? = ).*?(;?)$"
        written = language.literal(value).replace("\\", r"\\")
        text, found = re.subn(pattern, rf"\g<1>{written}\g<2>", text, flags=re.MULTILINE)
        assert found <= 1, f"{name} is set {found} times"
    return text


def _take_apart(text: str, language: Language) -> tuple[str, list[str], str]:
    """Head, imports and body of a part."""
    lines = text.splitlines()
    marks = [index for index, line in enumerate(lines) if re.match(rf"{language.imports}|{language.inner}", line)]
    imports = [lines[index] for index in marks if not re.match(language.inner, lines[index])]
    body = [line for index, line in enumerate(lines) if index > marks[0] and index not in marks]
    return "\n".join(lines[: marks[0]]).strip(), imports, "\n".join(body).strip()


def _arranged(imports: set[str]) -> str:
    """Sorted; Python's own modules stand apart from those of packages, and before them."""
    imports = _merged(imports)
    own = {line for line in imports if line.split()[1].split(".")[0] in sys.stdlib_module_names}
    groups = [sorted(group, key=lambda line: (line.startswith("from"), line.lower())) for group in (own, imports - own)]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _merged(imports: set[str]) -> set[str]:
    """One line for all that two parts of a Python file take from one module."""
    names: dict[str, set[str]] = {}
    for line in imports:
        module, _, listed = line.partition(" import ")
        names.setdefault(module, set()).update(listed.split(", ") if listed else ())
    return {f"{module} import {', '.join(sorted(listed))}" if listed else module for module, listed in names.items()}
