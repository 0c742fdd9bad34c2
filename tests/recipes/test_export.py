"""Zoo names exported as they stand: whatever their task, the file answers as files of that task do."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest

from edgesmith.recipes.export import export_model
from edgesmith.recipes.models import resolve

SIDE = 64
CORNERS = 4
ANSWERS = {
    "mobilenet_v3_small@width=0.35": (1000,),
    "ssdlite_mobilenet_v3_small": (3 * 4 * 4 + 6 * (2 * 2 + 1 + 1 + 1 + 1), CORNERS + 91),
    "lraspp_mobilenet_v3_small": (19, SIDE, SIDE),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_zoo_name_of_each_task_becomes_a_file(name: str, tmp_path: Path) -> None:
    (record,) = export_model(resolve(name, resolution=str(SIDE)), "onnx", out=tmp_path)["files"]
    assert record["parity"]["passed"]
    (answer,) = onnxruntime.InferenceSession(record["path"]).get_outputs()
    assert tuple(answer.shape[1:]) == ANSWERS[name]


def test_a_zoo_detector_suppresses_in_its_file(tmp_path: Path) -> None:
    detector = resolve("ssdlite_mobilenet_v3_small", resolution=str(SIDE))
    (record,) = export_model(detector, "onnx", out=tmp_path, with_nms=True)["files"]
    assert Path(record["path"]).name == "model-nms.onnx"
    assert record["parity"]["passed"]
