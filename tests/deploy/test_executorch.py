"""What is particular to ExecuTorch files: what the delegate takes, and a batch that is the file's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.deploy.base import ExportOptions
from edgesmith.deploy.executorch import ExecuTorchExporter
from edgesmith.runtimes.executorch import ExecuTorchRuntime
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import make_model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "share", "outside"),
    [
        ("inverted_residual", "xnnpack takes 24 of 24 operators, in 1 piece", {}),
        ("shuffle_unit", "xnnpack takes 25 of 26 operators, in 2 pieces", {"avg_pool2d": 1}),
    ],
)
def test_case_e8_the_delegates_share_is_told(kind: str, share: str, outside: dict[str, int], tmp_path: Path) -> None:
    """ShuffleNet's average pool counts its padding, which XNNPACK cannot: the net falls into two pieces."""
    model = make_model(kind_net(kind))
    exported = ExecuTorchExporter().export(model.net, model.spec, tmp_path / "model.pte")
    assert exported.notes == (share,)
    assert exported.outside == outside


@pytest.mark.slow
def test_case_e8_v3_large_runs_one_picture_and_refuses_two(tmp_path: Path) -> None:
    model = make_model(find("mobilenet_v3_large@resolution=96,classes=10"))
    exporter = ExecuTorchExporter()
    with pytest.raises(UsageError, match="executorch files are fixed to one batch size"):
        exporter.export(model.net, model.spec, tmp_path / "open.pte", options=ExportOptions(open_batch=True))
    exported = exporter.export(model.net, model.spec, tmp_path / "model.pte")
    assert exported.outside == {}
    assert exported.notes[0].endswith("in 1 piece")
    loaded = ExecuTorchRuntime().load(exported.path)
    assert loaded.run(np.zeros((1, 3, 96, 96), np.float32)).shape == (1, 10)
    with pytest.raises(DeviceError, match=r"got float32 \(2, 3, 96, 96\); the file is fixed to this batch size"):
        loaded.run(np.zeros((2, 3, 96, 96), np.float32))
