"""Checkpoints on disk: whole or not at all, read without running code."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import torch

from edgesmith.core.errors import RunError
from edgesmith.engine.checkpoint import Checkpoint, CheckpointFolder, read_checkpoint, write_checkpoint


def _at(step: int) -> Checkpoint:
    weights = torch.arange(24.0).reshape(1, 4, 2, 3) + step
    tensors = {"net.w": weights.contiguous(memory_format=torch.channels_last), "net.count": torch.tensor(step)}
    return Checkpoint(tensors=tensors, state={"step": step, "position": {"epoch": 1, "batch": 2}})


def _steps(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in folder.iterdir())


def _never(text: str) -> None:
    raise AssertionError(text)


def test_case_t10_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, _at(7))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json", "tensors.safetensors"]
    again = read_checkpoint(tmp_path)
    assert again.state["step"] == 7
    assert again.state["position"] == {"epoch": 1, "batch": 2}
    assert again.tensors["net.count"].dtype == torch.int64
    for name, tensor in _at(7).tensors.items():
        assert torch.equal(again.tensors[name], tensor)


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert folder.newest(note=_never) is None
    for step in (1, 2, 3, 4, 5):
        folder.save(_at(step), best_step=2 if step >= 2 else None)
    assert _steps(tmp_path / "checkpoints") == [2, 4, 5]
    newest = folder.newest(note=_never)
    assert newest is not None
    assert newest.state["step"] == 5


def test_the_same_step_may_be_written_twice(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(_at(3), best_step=None)
    folder.save(_at(3), best_step=None)
    assert _steps(tmp_path) == [3]


@pytest.mark.parametrize("damage", ["tensors cut", "tensors gone", "state cut", "state gone", "another format"])
def test_a_damaged_newest_is_named_and_the_one_before_is_taken(tmp_path: Path, damage: str) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(_at(1), best_step=None)
    newest = folder.save(_at(2), best_step=None)
    tensors, state = newest / "tensors.safetensors", newest / "state.json"
    if damage == "tensors cut":
        tensors.write_bytes(tensors.read_bytes()[:-20])
    elif damage == "tensors gone":
        tensors.unlink()
    elif damage == "state cut":
        state.write_text(state.read_text()[:30])
    elif damage == "state gone":
        state.unlink()
    else:
        state.write_text(json.dumps({**json.loads(state.read_text()), "format": 99}))
    notes: list[str] = []
    checkpoint = folder.newest(note=notes.append)
    assert checkpoint is not None
    assert checkpoint.state["step"] == 1
    ((note),) = notes
    assert "step-00000002" in note
    assert note.endswith("going on from the checkpoint before it")


def test_what_a_kill_left_behind_is_passed_over_and_removed(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(_at(1), best_step=None)
    torn = tmp_path / ".step-00000002.123.partial"
    torn.mkdir()
    (torn / "tensors.safetensors").write_bytes(b"half")
    newest = folder.newest(note=_never)
    assert newest is not None
    assert newest.state["step"] == 1
    assert not torn.exists()


def test_a_full_disk_is_one_line_and_the_checkpoint_before_still_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(_at(1), best_step=None)
    write = Path.write_bytes

    def fill_up(path: Path, content: bytes) -> int:
        write(path, content[:40])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(RunError, match=r"the disk is full: .*step-00000002 was not written; free some space") as caught:
        folder.save(_at(2), best_step=None)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    newest = folder.newest(note=_never)
    assert newest is not None
    assert torch.equal(newest.tensors["net.w"], _at(1).tensors["net.w"])


def test_a_device_without_space_is_told_as_a_full_disk(tmp_path: Path) -> None:
    """`/dev/full` fails as a full disk does, at the write itself."""
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has /dev/full")
    (tmp_path / "tensors.safetensors").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        write_checkpoint(tmp_path, _at(1))
