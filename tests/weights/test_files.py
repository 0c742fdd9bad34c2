from __future__ import annotations

import argparse
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from edgesmith.core.errors import WeightsError
from edgesmith.weights.files import read_weights

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


def test_safetensors(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "x.safetensors")
    state = read_weights(tmp_path / "x.safetensors")
    assert {key: value.tolist() for key, value in state.items()} == {key: v.tolist() for key, v in STATE.items()}


@pytest.mark.parametrize("name", ["x.pt", "x.pth", "x.ckpt", "x.pth.tar"])
def test_pickles_of_plain_data(tmp_path: Path, name: str) -> None:
    torch.save({"state_dict": OrderedDict(STATE), "epoch": 3}, tmp_path / name)
    assert list(read_weights(tmp_path / name)) == list(STATE)


def test_the_old_format_of_pickles(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    assert list(read_weights(tmp_path / "x.pth")) == list(STATE)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"model": STATE, "args": argparse.Namespace(lr=0.1)}, r"holds objects of a program \(argparse.Namespace\)"),
        ({"model": STATE, "best": np.float64(0.7)}, r"holds objects of a program \(numpy\S+\)"),
        (nn.Linear(2, 2), r"holds objects of a program \(torch.nn.modules.linear.Linear\)"),
    ],
)
def test_case_t10_foreign_objects_are_refused_and_explained(tmp_path: Path, content: Any, named: str) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=named + ", and loading it could run code; .* as .safetensors") as caught:
        read_weights(tmp_path / "x.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.safetensors", b"", "x.safetensors is not a whole safetensors file"),
        ("x.safetensors", b"\xff" * 64, "is not a whole safetensors file"),
        ("x.pth", b"", "x.pth cannot be read"),
        ("x.pth", b"<html>not found</html>", "is damaged, or holds objects of a program"),
        ("x.pth", b"PK\x03\x04" + b"\0" * 100, "x.pth cannot be read"),
        ("x.h5", b"", "weights are read from .safetensors, .pt"),
    ],
)
def test_damaged_and_unknown_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=message) as caught:
        read_weights(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_torchscript_archive_is_refused(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "x.pt")
    with pytest.raises(WeightsError, match=r"x.pt cannot be read: .*TorchScript"):
        read_weights(tmp_path / "x.pt")


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "x.pth")
    content = (tmp_path / "x.pth").read_bytes()
    (tmp_path / "x.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match=r"x\.pth"):
        read_weights(tmp_path / "x.pth")


def test_missing_files_are_named_with_their_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=f"no such weights file: {tmp_path}/x.pth"):
        read_weights(Path("x.pth"))
    with pytest.raises(WeightsError, match="a folder, not a weights file"):
        read_weights(tmp_path)
