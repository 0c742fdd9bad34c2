"""H-swish written out is h-swish, and files are made once."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from paper.files import WrittenHardSwish, has_swish, load_made, make, write_out_swish_
from paper.groups import Entry
from paper.nets import FLOAT_PLAN
from torch import nn

from edgesmith.arch.edits.ablation import relu_only
from edgesmith.arch.zoo.names import find
from edgesmith.nn.build import build

SMALL = find("mobilenet_v3_small@resolution=32,classes=3")


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


def test_written_out_h_swish_is_h_swish() -> None:
    x = torch.linspace(-6, 6, 241, dtype=torch.float64)
    torch.testing.assert_close(WrittenHardSwish()(x), nn.functional.hardswish(x), rtol=1e-12, atol=1e-12)


def test_every_h_swish_is_written_out() -> None:
    net = build(SMALL).eval()
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = net(images)
        write_out_swish_(net)
        torch.testing.assert_close(net(images), before, rtol=1e-4, atol=1e-6)
    assert not any(isinstance(part, nn.Hardswish) for part in net.modules())
    assert sum(isinstance(part, WrittenHardSwish) for part in net.modules()) == 19


@pytest.mark.slow
def test_files_are_made_once_and_apart(tmp_path: Path) -> None:
    usual = Entry(name="Small", spec=SMALL, against="Small")
    plain = Entry(name="Small, written out", spec=SMALL, against="Small", plain=True)
    assert load_made(usual, "onnx", tmp_path, seed=0) is None
    for entry in (usual, plain):
        make(entry, ["onnx"], tmp_path, seed=0)
    paths = []
    for entry in (usual, plain):
        found = load_made(entry, "onnx", tmp_path, seed=0)
        assert found is not None
        paths.append(found.paths[FLOAT_PLAN])
    assert operators(paths[0]).count("HardSwish") == operators(paths[1]).count("Clip") == 19
    assert "HardSwish" not in operators(paths[1])
    assert load_made(usual, "onnx", tmp_path, seed=1) is None
    times = [path.stat().st_mtime_ns for path in paths]
    make(usual, ["onnx"], tmp_path, seed=0)
    assert [path.stat().st_mtime_ns for path in paths] == times


def test_which_nets_have_h_swish() -> None:
    assert has_swish(SMALL)
    assert not has_swish(relu_only(SMALL))
    assert not has_swish(find("mobilenet_v2"))
