"""Public functions that raise say so; the command line's docstrings are its help, and those that refer are exempt."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "edgesmith"
FILES = [path for path in sorted(SOURCE.rglob("*.py")) if "cli" not in path.relative_to(SOURCE).parts]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(node: ast.AST) -> Iterator[Function]:
    """Of a module and of its public classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function) and not child.name.startswith("_"):
            yield child
        elif isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from public_functions(child)


def raises(node: ast.AST) -> bool:
    """Whether it raises an error itself, functions within it left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Raise) and child.exc is not None and "AssertionError" not in ast.unparse(child.exc):
            return True
        if not isinstance(child, Function | ast.Lambda | ast.ClassDef) and raises(child):
            return True
    return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_raises_says_so(path: Path) -> None:
    functions = public_functions(ast.parse(path.read_text(encoding="utf-8")))
    docs = {each.name: ast.get_docstring(each) or "" for each in functions if raises(each)}
    assert [name for name, text in docs.items() if "Raises:" not in text and not re.search("[Ss]ee `", text)] == []
