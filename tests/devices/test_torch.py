from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.plan import Plan
from edgesmith.devices.torch import LoadedModule, TorchDevice

torch = pytest.importorskip("torch", reason="torch comes with edgesmith[train]")

PLAN = Plan(loads=1, load_s=0.01)


def depthwise(path: Path) -> LoadedModule:
    module = torch.nn.Conv2d(16, 16, 5, padding=2, groups=16)
    return LoadedModule(module=module, input_shape=(1, 16, 14, 14))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "net.json").write_text(json.dumps({}))
    return tmp_path / "net.json"


def test_case_l6_both_layouts_are_tried_and_the_one_used_is_told(file: Path) -> None:
    notes = TorchDevice(depthwise).time([file, file], PLAN).conditions.notes
    assert len(notes) == 1
    assert notes[0].startswith("net.json: ")
    assert "channels_last" in notes[0]
    assert "contiguous" in notes[0]


@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
def test_case_l6_a_layout_that_is_asked_for_is_used(file: Path, layout: str) -> None:
    seen = []

    class Look(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, images: object) -> object:
            seen.append(images.is_contiguous(memory_format=torch.channels_last))  # type: ignore[attr-defined]
            return images

    device = TorchDevice(lambda _: LoadedModule(module=Look(), input_shape=(1, 4, 6, 6)), layout=layout)
    session = device.time([file], PLAN)
    assert set(seen) == {layout == "channels_last"}
    assert session.fingerprint.options == (f"layout={layout}",)
    assert session.conditions.notes[0].startswith(f"net.json: {layout}")


def test_threads_are_put_back(file: Path) -> None:
    before = torch.get_num_threads()
    TorchDevice(depthwise, threads=1).time([file], PLAN)
    assert torch.get_num_threads() == before
    assert torch.is_grad_enabled()


def test_runs_in_evaluation_mode(file: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Dropout(0.9))
    device = TorchDevice(lambda _: LoadedModule(module=module, input_shape=(1, 3, 4, 4)))
    images = np.ones((2, 3, 4, 4), dtype=np.float32)
    assert np.array_equal(device.run(file, images)[0], images)


def test_names_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown value of layout 'chanels_last'; did you mean 'channels_last'"):
        TorchDevice(depthwise, layout="chanels_last")
    with pytest.raises(DeviceError, match="no such model"):
        TorchDevice(depthwise).time([tmp_path / "gone"], PLAN)
