"""Integer files are judged by steps: one or two are rounding, twenty are a fault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import ExportError
from edgesmith.core.signal_stack import kept_signal_stack
from edgesmith.deploy.manifest import FileRecord
from edgesmith.deploy.parity import compare, eager_function
from edgesmith.deploy.quantize.base import Calibration
from edgesmith.deploy.quantize.write import open_quantizer
from edgesmith.deploy.steps import STEP_TOLERANCE, compare_steps, find_step, with_steps
from edgesmith.nn.build import Net
from edgesmith.runtimes.onnxruntime import OnnxRuntime
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import make_model, noise_pictures, plan_here

STEP = 0.0371
PLACES = np.random.default_rng(0).integers(-120, 120, (16, 10))


def answers(places: np.ndarray, step: float = STEP) -> np.ndarray:
    return (places * step).astype(np.float32)


@pytest.mark.parametrize("shift", [1, 2])
def test_case_q6_a_step_or_two_between_runtimes_is_rounding(shift: int) -> None:
    moved = PLACES + np.random.default_rng(1).integers(-shift, shift + 1, PLACES.shape)
    moved[0, 0] = PLACES[0, 0] + shift
    parity = compare_steps(answers(PLACES), answers(moved))
    assert parity.passed
    assert parity.steps == pytest.approx(shift, rel=1e-4)
    assert (parity.judged_by, parity.tolerance) == ("steps", STEP_TOLERANCE)
    assert parity.step == pytest.approx(STEP, rel=1e-4)


def test_case_q6_twenty_steps_are_a_fault() -> None:
    moved = PLACES.copy()
    moved[3, 4] += 20
    parity = compare_steps(answers(PLACES), answers(moved))
    assert not parity.passed
    assert parity.steps == pytest.approx(20, rel=1e-4)


def test_case_q6_another_best_class_is_a_fault_however_few_the_steps() -> None:
    """Answers of a net that knows nothing: all within two steps, and the best class is another."""
    first = np.tile([0, 1, 2, 1], (8, 1))
    second = np.tile([2, 1, 0, 1], (8, 1))
    parity = compare_steps(answers(first), answers(second))
    assert parity.steps == pytest.approx(2, rel=1e-4)
    assert (parity.top1_agreement, parity.passed) == (0.0, False)


def test_case_q6_the_record_says_which_tolerance_was_used() -> None:
    parity = compare_steps(answers(PLACES), answers(PLACES + 1))
    record = FileRecord(
        format="onnx", path="model.onnx", bytes=1, sha256="", precision="int8", batch=None, opset=18,
        preprocessing_inside=False, operators={}, parity=parity,
    )  # fmt: skip
    assert record.to_json()["parity"]["judged_by"] == "steps"
    assert FileRecord.from_json(record.to_json()) == record


def test_case_q6_one_int8_file_in_two_runtimes(tmp_path: Path) -> None:
    """ONNX Runtime's integer kernels and OpenVINO's; both are also compared with float, whose answers have no step."""
    openvino = pytest.importorskip("openvino")
    model = make_model(kind_net("inverted_residual"))
    assert isinstance(model.net, Net)
    calibration = Calibration.of(noise_pictures(12, 64, 64), model.preprocessing)
    opened = open_quantizer("onnx", model.net, model.spec, calibration, tmp_path)
    path = opened.write(tmp_path / "model.onnx", plan_here("onnx")).path
    images = model.preprocessing.normalize(noise_pictures(16, 64, 64, seed=9))
    ours = OnnxRuntime().load(path).run(images)
    with kept_signal_stack():
        compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    theirs = np.asarray(compiled({0: images})[0])
    parity = compare_steps(ours, theirs)
    assert parity.passed
    assert parity.steps is not None
    assert parity.steps > 0, "they round otherwise, or this shows nothing"
    source = eager_function(model.net)(images)
    against_float = with_steps(compare(source, ours, tolerance=1.0), source, ours)
    assert against_float.judged_by == "relative"
    assert against_float.steps is not None
    assert against_float.steps > parity.steps
    with pytest.raises(ExportError, match="these answers have no steps, the last layer is in float"):
        compare_steps(ours, source)


@pytest.mark.parametrize("places", [[0, 4, 6, 9], [-3, 3], [0, 2, 3, 255], [100, 104, 106]])
def test_the_step_is_found_though_no_two_neighbours_are_among_the_answers(places: Sequence[int]) -> None:
    step = find_step(answers(np.array([places])))
    assert step is not None
    ratio = step / STEP
    assert ratio == pytest.approx(round(ratio), abs=1e-4), "a multiple where all answers lie on a coarser grid"
    assert ratio == pytest.approx({(-3, 3): 3, (100, 104, 106): 2}.get(tuple(places), 1), rel=1e-4)


def test_float_answers_have_no_step() -> None:
    assert find_step(np.random.default_rng(0).standard_normal((16, 10))) is None
    assert find_step(np.ones((3, 4))) is None
    parity = compare(np.ones((1, 3)), np.array([[1.0, 1.1, 0.7321]]))
    assert with_steps(parity, np.ones((1, 3)), np.random.default_rng(0).standard_normal((16, 10))).steps is None
