"""Processes that train together, started as torchrun does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from edgesmith.recipes.together import free_port, place_of

ROOT = Path(__file__).parents[1]
LIMIT_S = 300


def run_ranks(module: str, out: Path, count: int) -> None:
    """Run ``python -m MODULE OUT`` in so many processes, all of which must end well."""
    port = free_port()
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", module, str(out)],
            env=os.environ | place_of(rank, count, port) | {"PYTHONPATH": path},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    try:
        errors = [worker.communicate(timeout=LIMIT_S)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0] * count, "\n".join(errors)
