"""Checkpoints as folders of plain tensors and JSON: reading one runs no code.

A folder ``step-00001200`` holds ``tensors.safetensors`` (weights, averaged weights, optimiser) and ``state.json``
(everything else, and the sum of the tensor file). Random streams and the loader's position are functions of the seed
and the step, so those two numbers are their whole state.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from edgesmith.core.errors import RunError
from edgesmith.core.files import atomic_folder, read_json, sha256_file, write_json

FORMAT = 1
_TENSORS, _STATE, _DIVERGED = "tensors.safetensors", "state.json", "has_diverged"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One moment of a run.

    Attributes:
        tensors: By name; in any memory layout.
        state: Plain JSON values; ``step`` is the number of steps done.
    """

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]

    @property
    def has_diverged(self) -> bool:
        """Whether the run is known to diverge after it."""
        return bool(self.state.get(_DIVERGED))


class CheckpointFolder:
    """The checkpoints of one run: the last two and the best.

    Args:
        path: Folder of the checkpoints; made with the first of them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, checkpoint: Checkpoint, *, best_step: int | None) -> Path:
        """Write one checkpoint whole, then drop those that are not kept.

        Args:
            checkpoint: What to write.
            best_step: Step of the best checkpoint so far, which is kept too.

        Raises:
            RunError: The disk is full; the checkpoints before stand as they were.
        """
        step = int(checkpoint.state["step"])
        path = self._path / f"step-{step:08d}"
        with atomic_folder(path) as folder:
            write_checkpoint(folder, checkpoint)
        for old in self._steps()[:-2]:
            if old != best_step:
                shutil.rmtree(self._path / f"step-{old:08d}", ignore_errors=True)
        return path

    def newest(self, *, note: Callable[[str], None]) -> Checkpoint | None:
        """The newest checkpoint that is whole, or None where there is none.

        Args:
            note: Told of every damaged one that was passed over.
        """
        for leftover in self._path.glob(".step-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for step in reversed(self._steps()):
            try:
                return read_checkpoint(self._path / f"step-{step:08d}")
            except RunError as error:
                note(f"{error}; going on from the checkpoint before it")
        return None

    def at(self, step: int) -> Checkpoint:
        """The checkpoint of one step.

        Raises:
            RunError: It is damaged or not there.
        """
        return read_checkpoint(self._path / f"step-{step:08d}")

    def mark_diverged(self, *, before: int | None) -> int | None:
        """Note at the newest checkpoint that the run diverged after it.

        Args:
            before: Step from which on checkpoints are thrown away, because their weights are spoiled; None keeps all.

        Returns:
            The step of the newest checkpoint that is left.
        """
        for step in self._steps():
            if before is not None and step >= before:
                shutil.rmtree(self._path / f"step-{step:08d}", ignore_errors=True)
        steps = self._steps()
        if not steps:
            return None
        path = self._path / f"step-{steps[-1]:08d}" / _STATE
        write_json(path, {**read_json(path), _DIVERGED: True})
        return steps[-1]

    @property
    def has_diverged(self) -> bool:
        """Whether the run is known to diverge after the newest."""
        steps = self._steps()
        if not steps:
            return False
        try:
            return bool(read_json(self._path / f"step-{steps[-1]:08d}" / _STATE).get(_DIVERGED))
        except RunError:
            return False

    def _steps(self) -> list[int]:
        matches = (re.fullmatch(r"step-(\d{8,})", path.name) for path in self._path.glob("step-*"))
        return sorted(int(match.group(1)) for match in matches if match)


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the two files of a checkpoint into an existing folder."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    # Its own writer tells of a full disk by a message alone; Python's by an OSError that says so.
    (folder / _TENSORS).write_bytes(save(tensors))
    state = {"format": FORMAT, **checkpoint.state, "tensors_sha256": sha256_file(folder / _TENSORS)}
    write_json(folder / _STATE, state)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint and check that it is whole.

    Raises:
        RunError: A file is missing, torn, or of a later version of edgesmith.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = read_json(folder / _STATE)
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise RunError(f"{folder} is not a checkpoint of format {FORMAT}; it was written by another version")
        if sha256_file(folder / _TENSORS) != state["tensors_sha256"]:
            raise RunError(f"checkpoint {folder} is damaged")
        return Checkpoint(tensors=load_file(folder / _TENSORS), state=state)
    except (OSError, KeyError, SafetensorError) as error:
        raise RunError(f"checkpoint {folder} is damaged ({type(error).__name__})") from None
