"""Imports point one way: a package imports only from rows below its own, wherever in a file the import stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "edgesmith"

ROWS = (
    ("core",),
    ("arch", "data", "runtimes"),
    ("nn",),
    ("weights", "tasks"),
    ("engine",),
    ("deploy",),
    ("devices",),
    ("search",),
    ("report",),
    ("recipes",),
    ("web",),
    ("cli",),
)
ROW_OF = {package: row for row, packages in enumerate(ROWS) for package in packages}
TOP = len(ROWS)  # edgesmith/__init__.py and __main__.py stand above everything
TOP_FILES = {"__init__.py", "__main__.py"}

# Packages and modules that the base install uses, where there is no torch; True stands for "not even numpy".
NO_TORCH = {"core": False, "arch": True, "runtimes": False, "data": False}
NEEDS_TORCH = {"data/augment.py", "data/loader.py"}


def imported_modules(tree: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import in a file, `importlib` by a constant name included.

    A bare ``import edgesmith`` counts as what is then read from it: the version may be, the lazy public names not.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name != "edgesmith")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "edgesmith":
            yield node.lineno, f"edgesmith.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and called_name(node.func) in ("import_module", "__import__"):
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield node.lineno, name.value


def called_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def broken_rules(source: str, path: str) -> list[str]:
    """Every import of a file that points up or sideways; ``path`` is relative to the package's root."""
    parts = tuple(Path(path).parts)
    own = parts[0] if len(parts) > 1 else ""
    row = ROW_OF.get(own, TOP)
    found = []
    for line, name in imported_modules(ast.parse(source), ("edgesmith", *parts[:-1])):
        segments = name.split(".")
        if segments[0] != "edgesmith" or name == "edgesmith.__version__":
            continue
        other = segments[1] if len(segments) > 1 else ""
        if other == own or (own == "" and other not in ROW_OF):
            continue
        if ROW_OF.get(other, TOP) >= row:
            found.append(f"{path}:{line}: {own or 'the top'} must not import {name}")
    return found


def source_files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def test_every_package_has_a_row() -> None:
    packages = {path.name for path in SOURCE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert packages <= set(ROW_OF), "a new package needs a row in the design's table and here"


def test_only_entry_points_stand_beside_the_packages() -> None:
    assert {path.name for path in SOURCE.glob("*.py")} <= TOP_FILES


def test_imports_point_down() -> None:
    broken = [rule for path in source_files() for rule in broken_rules(path.read_text(), str(path.relative_to(SOURCE)))]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("package", NO_TORCH)
def test_base_packages_import_no_torch(package: str) -> None:
    heavy = {"torch", "torchvision", "lightning", "torchmetrics"} | ({"numpy"} if NO_TORCH[package] else set())
    found = [
        f"{path}:{line}: {name}"
        for path in sorted((SOURCE / package).rglob("*.py"))
        if str(path.relative_to(SOURCE)) not in NEEDS_TORCH
        for line, name in imported_modules(ast.parse(path.read_text()), ())
        if name.split(".")[0] in heavy
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "path", "num_broken"),
    [
        ("from edgesmith.core.errors import SpecError", "arch/spec.py", 0),
        ("from edgesmith.arch import spec", "arch/cost.py", 0),
        ("from edgesmith.data import sources", "arch/cost.py", 1),
        ("def f():\n    import edgesmith.cli.main", "engine/train.py", 1),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from edgesmith import recipes", "search/race.py", 1),
        ("from ..nn import build", "arch/cost.py", 1),
        ("from . import spec", "arch/cost.py", 0),
        ("import importlib\nimportlib.import_module('edgesmith.web.server')", "recipes/fit.py", 1),
        ("import edgesmith\nedgesmith.fit(x)", "recipes/fit.py", 1),
        ("import edgesmith\nprint(edgesmith.__version__)", "recipes/fit.py", 0),
        ("from edgesmith import __version__", "cli/main.py", 0),
        ("from edgesmith.unheard_of import x", "cli/main.py", 1),
        ("from edgesmith.cli.main import main", "__main__.py", 0),
    ],
)
def test_walker_sees_what_it_must(source: str, path: str, num_broken: int) -> None:
    assert len(broken_rules(source, path)) == num_broken
