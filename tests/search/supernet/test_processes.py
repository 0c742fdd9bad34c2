"""Several processes train one supernet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.ranks import run_ranks


@pytest.mark.slow
def test_case_x2_two_processes_train_the_same_subnets_to_the_same_weights(tmp_path: Path) -> None:
    run_ranks("tests.search.supernet.rank_worker", tmp_path, 2)
    for kind in ("sandwich", "oneshot"):
        first, second = (json.loads((tmp_path / f"{kind}{rank}.json").read_text()) for rank in range(2))
        assert first["points"] == second["points"]
        assert len({json.dumps(points) for points in first["points"]}) == 3
        assert first["losses"] != second["losses"]  # each saw pictures of its own
        mine, theirs = (torch.load(tmp_path / f"{kind}{rank}.pt", weights_only=True) for rank in range(2))
        assert all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())
