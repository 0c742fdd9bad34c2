"""The rows that benchmarks append to a file, tagged with the commit that they were measured at."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

from edgesmith.core.files import read_lines
from edgesmith.devices.conditions import cpu_flags

_INSTRUCTIONS: Final = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8")


def read_commit() -> str:
    """The commit that is measured; ``none`` outside a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else "none"


def read_instructions() -> str:
    """The processor's instructions that decide how fast networks run, above all in int8."""
    return " ".join(name for name in _INSTRUCTIONS if name in cpu_flags())


def find_rows(out: Path, key: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a file that have all entries of ``key``."""
    return [row for row in read_lines(out) if all(row.get(name) == value for name, value in key.items())]
