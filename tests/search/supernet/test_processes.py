"""Several processes train one supernet."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[3]


def run_two(out: Path) -> None:
    """Train in two processes, which leave their weights and what they drew in a folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": "test",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
    }
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.search.supernet.rank_worker", str(out)],
            env=os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [worker.communicate(timeout=300)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], "\n".join(errors)


def test_case_x2_two_processes_train_the_same_subnets_to_the_same_weights(tmp_path: Path) -> None:
    run_two(tmp_path)
    for kind in ("sandwich", "oneshot"):
        first, second = (json.loads((tmp_path / f"{kind}{rank}.json").read_text()) for rank in range(2))
        assert first["points"] == second["points"]
        assert len({json.dumps(points) for points in first["points"]}) == 3
        assert first["losses"] != second["losses"]  # each saw pictures of its own
        mine, theirs = (torch.load(tmp_path / f"{kind}{rank}.pt", weights_only=True) for rank in range(2))
        assert all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())
