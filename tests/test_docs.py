"""What the documents say is there: links lead somewhere, commands and their options exist, scripts too."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from edgesmith.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```(?:sh|console|bash)?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(edgesmith [a-z][^`]*|python benchmarks/[^`]*)`")


def anchors(page: Path) -> set[str]:
    """What headings of a page can be linked as, by GitHub's rule."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[list[str]]:
    """Each command of ours that a page shows, as words."""
    text = page.read_text()
    lines = [line.strip().removeprefix("$ ") for block in FENCE.findall(text) for line in block.splitlines()]
    for line in (*lines, *INLINE.findall(text)):
        for part in line.split("&&"):
            if part.strip().startswith(("edgesmith ", "python benchmarks/", "python -m benchmarks.")):
                yield shlex.split(part, comments=True)


def options_of(words: list[str]) -> set[str]:
    """The options of the verb that a command calls, or of the verb below it."""
    command = typer.main.get_command(app)
    for depth, word in enumerate(words[1:]):
        inner = getattr(command, "commands", {}).get(word)
        assert inner is not None or depth or word.startswith("-"), f"no verb {word}: {shlex.join(words)}"
        if inner is None:
            break
        command = inner
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help",
        "-h",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for words in commands(page):
        if words[0] == "python":
            script = words[1] if words[1] != "-m" else words[2].replace(".", "/")
            assert (ROOT / script).exists() or (ROOT / f"{script}.py").exists(), shlex.join(words)
            continue
        asked = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert asked <= options_of(words), f"{shlex.join(words)}: no option {asked - options_of(words)}"


def told_in_tests_page() -> dict[str, list[str]]:
    """For each verb and each page with Python the files that docs/tests.md names as running it."""
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", (ROOT / "docs" / "tests.md").read_text(), re.MULTILINE)
    return {name: re.findall(r"`([^`]+)`", files) for name, files in rows}


def verb_of(words: list[str]) -> str:
    """``fit``, or ``devices profile``."""
    return " ".join(words[1:3]) if words[1:3] == ["devices", "profile"] else words[1]


def test_every_verb_that_a_page_shows_is_run_by_a_named_test() -> None:
    shown = {verb_of(words) for page in PAGES for words in commands(page) if words[0] == "edgesmith"}
    told = told_in_tests_page()
    assert sorted(verb for verb in shown if not verb.startswith("-") and verb not in told) == []
    for verb in shown & set(told):
        text = (ROOT / told[verb][0]).read_text()
        assert all(f'"{word}"' in text for word in verb.split()), f"{told[verb][0]} does not run {verb}"


def test_python_on_pages_is_run_by_a_named_test() -> None:
    pages = {str(page.relative_to(ROOT)) for page in PAGES if re.search(r"^```python", page.read_text(), re.MULTILINE)}
    told = {name: files for name, files in told_in_tests_page().items() if name.endswith(".md")}
    assert pages == set(told)
    for name, (file,) in told.items():
        assert Path(name).name in (ROOT / file).read_text(), f"{file} does not read {name}"


def test_the_pages_show_commands_and_links() -> None:
    assert sum(len(list(commands(page))) for page in PAGES) > 50
    assert sum(len(LINK.findall(page.read_text())) for page in PAGES) > 20


def test_every_benchmark_stands_in_the_page_of_benchmarks() -> None:
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py") if "\ndef main(" in path.read_text()}
    told = set(re.findall(r"`(\w+\.py)`", (ROOT / "docs" / "benchmarks.md").read_text()))
    assert scripts == told
