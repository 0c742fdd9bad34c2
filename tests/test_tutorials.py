"""The commands of docs/tutorials.md work in their order, on small sets of the same names and in shorter times."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgesmith.recipes.quickstart import write_digits
from tests.data.box_sets import write_coco
from tests.data.shapes import write_shapes
from tests.pages import ROOT, code_of

PAGE = "docs/tutorials.md"
SECTIONS = ("Before", "Classes", "Boxes", "Masks")
WEIGHTS = ("v3-small_224_1.0_uint8.tflite", "imagenet_labels_1001.txt")


def commands(section: str) -> list[list[str]]:
    """The commands of a section as words; trainings are given less time than the page gives them."""
    part = (ROOT / PAGE).read_text(encoding="utf-8").split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for block in code_of(PAGE, "sh") if block in part for line in block.splitlines() if line]
    return [shlex.split(re.sub(r"--time \d+m", "--time 110s", line), comments=True) for line in lines]


def run(words: list[str], folder: Path) -> str:
    """What a command prints; it must succeed."""
    program = {"edgesmith": ["-m", "edgesmith"], "python": []}[words[0]]
    done = subprocess.run(
        [sys.executable, *program, *words[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def folder(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sets and pictures that the page takes for granted, and what its first section makes."""
    root = tmp_path_factory.mktemp("tutorials")
    for name in WEIGHTS:
        shutil.copy(shared_dir / "data" / "mobilenet-weights" / name, root)
    write_digits(root / "flowers.zip")
    shutil.unpack_archive(root / "flowers.zip", root / "digits")
    shutil.copy(next((root / "digits" / "val" / "3").iterdir()), root / "daisy.jpg")
    write_coco(root / "bccd", {"train": 40, "val": 10, "test": 10})
    shutil.copy(next((root / "bccd" / "test").glob("*.png")), root / "cells.jpg")
    write_shapes(root / "camvid", {"train": 32, "val": 8, "test": 8})
    shutil.copy(next((root / "camvid" / "test" / "images").iterdir()), root / "street.jpg")
    for words in commands("Before"):
        run(words, root)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS[1:])
def test_the_commands_of_a_section_work_in_their_order(section: str, folder: Path) -> None:
    verbs = []
    for words in commands(section):
        run(words, folder)
        verbs.append(words[1] if words[0] == "edgesmith" else "sample")
    assert [verb for verb in ("check", "fit", "predict", "measure", "export", "sample") if verb not in verbs] == []
    assert verbs.index("check") < verbs.index("fit") < verbs.index("predict") < verbs.index("export")


def test_the_page_has_the_sections_and_no_other_commands() -> None:
    found = re.findall(r"^## (.+)$", (ROOT / PAGE).read_text(encoding="utf-8"), re.MULTILINE)
    assert found == list(SECTIONS)
    for words in (words for section in SECTIONS for words in commands(section)):
        assert words[0] in ("edgesmith", "python")
