"""The site builds without a warning, every page has its place in it, and it asks no other host for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_site_builds_and_stands_by_itself(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="pip install 'edgesmith[docs]' brings mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "api" / "index.html").read_text(encoding="utf-8")
    for name in ("build", "load", "fit", "search", "netadapt", "measure", "export"):
        assert f'id="edgesmith.recipes.api.{name}"' in text
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img)[^>]* src="(https?:[^"]+)|<link[^>]* href="(https?:[^"]+)', page.read_text()
        )
        assert [address for pair in loaded for address in pair if address] == [], page
