"""The program of docs/search_at_scale.md, as written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/search_at_scale.md"


@pytest.mark.slow
def test_the_program_runs_in_all_its_roles(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "widths.py").write_text(program)
    (first,) = re.findall(r"^python widths.py (sqlite:///widths.db)$", PAGE.read_text(), re.MULTILINE)

    def call(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "widths.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    alone = call(first)
    assert re.fullmatch(r"32 nets, 0 failed; the best: {'madds': [\d.]+, 'parameters': [\d.]+}\n", alone)
    assert call(first) == alone
    assert call("sqlite:///other.db", "processes:4") == alone
    assert call(first, "here", "worker") == "0 evaluated here\n"
