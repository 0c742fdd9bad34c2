"""What a training that goes on in its folder may do otherwise than before."""

from __future__ import annotations

from pathlib import Path

from edgesmith.engine.checkpoint import CheckpointFolder
from edgesmith.engine.config import FREE_KEYS, MENDING_KEYS
from edgesmith.engine.train import CHECKPOINTS_NAME


def free_settings(folder: Path) -> frozenset[str]:
    """The settings, by their path in ``run.json``: those that decide nothing, and, where it diverged, what may mend it.

    Args:
        folder: Of the run; need not be there.
    """
    diverged = CheckpointFolder(folder / CHECKPOINTS_NAME).has_diverged
    return frozenset(f"config.{key}" for key in (FREE_KEYS | MENDING_KEYS if diverged else FREE_KEYS))
