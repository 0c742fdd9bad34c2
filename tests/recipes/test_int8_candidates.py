"""Candidates as int8 files."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgesmith.arch.edits.detection import ssdlite_head
from edgesmith.arch.zoo.names import find
from edgesmith.core.config import to_dict
from edgesmith.data import dataset as datasets
from edgesmith.data.evaluation import crop_pictures
from edgesmith.deploy.quantize.base import Kind, QuantPlan
from edgesmith.devices.across import Target
from edgesmith.engine.evaluate import Evaluation
from edgesmith.nn.build import Net
from edgesmith.recipes import int8_candidates
from edgesmith.recipes.int8_candidates import Int8, Int8Maker, fastest_plan, int8_of
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.untrained import measure_specs
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks.detection import Detection
from tests.data.box_sets import write_coco
from tests.deploy.dense_nets import detector
from tests.deploy.models import make_model, plan_here
from tests.recipes.test_proxy import SMALLEST, proxy_on
from tests.recipes.test_untrained import QUICKEST

pytestmark = pytest.mark.slow

DEVICE = "onnxruntime:int8"
TINY = find("mobilenet_v3_small@width=0.35,resolution=32").with_num_classes(3)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Devices for which a plan was searched; the search itself is not made."""
    asked: list[str] = []

    def find_plan(device: str, name: str, progress: object) -> QuantPlan:
        del progress
        asked.append(device)
        return replace(plan_here(name), float_kinds=(Kind.HARD_SWISH,))

    monkeypatch.setattr(int8_candidates, "_find_plan", find_plan)
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path / "cache"))
    return asked


def test_an_untrained_nets_int8_file_has_int8_weights_and_runs(tmp_path: Path) -> None:
    maker = Int8Maker(int8=Int8(format="onnx", plan=plan_here("onnx")))
    path = tmp_path / f"net{maker.suffix}"
    pickle.loads(pickle.dumps(maker))(TINY, path)
    assert runtime_for(path.suffix).load(path).outputs[0].shape[-1] == 3
    assert path.stat().st_size < 600_000  # the float file has 1.3 MB


def test_files_of_other_plans_lie_elsewhere() -> None:
    plan = plan_here("onnx")
    others = [plan, replace(plan, float_kinds=(Kind.HARD_SWISH,))]
    assert len({Int8Maker(int8=Int8(format="onnx", plan=each)).version for each in others}) == 2


def test_a_devices_plan_is_searched_once(found: list[str]) -> None:
    first, again = fastest_plan(DEVICE), fastest_plan(DEVICE)
    assert to_dict(first) == to_dict(again)
    assert first.float_kinds == (Kind.HARD_SWISH,)
    assert found == [DEVICE]
    assert int8_of(Target(device="onnxruntime")) is None


def test_networks_are_measured_as_int8_files(found: list[str]) -> None:
    (latency,) = measure_specs([TINY], Target(device=DEVICE), plan=QUICKEST)
    assert latency.device == DEVICE
    assert found == [DEVICE]


def test_a_detector_that_can_be_trained_is_scored_in_the_form_of_files(tmp_path: Path) -> None:
    """Its own answers are offsets; a file's are corners and scores."""
    dataset = datasets.open(write_coco(tmp_path, {"train": 4, "val": 4}))
    deployed = detector()
    head = replace(ssdlite_head(deployed.spec), decoded=False)
    net = make_model(replace(deployed.spec, head=head)).net
    assert isinstance(net, Net)
    crops = crop_pictures(dataset, dataset.samples("val"), deployed.preprocessing)
    int8 = Int8(format="onnx", plan=plan_here("onnx"))
    evaluation = int8.score(net, crops, crops, Detection(dataset.classes), seed=0)
    assert evaluation.num_images == 4
    assert 0 <= evaluation.metrics["map"] <= 1


def test_the_accuracy_of_a_candidate_is_that_of_its_int8_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_digits(tmp_path / "digits.zip")
    proxy = proxy_on(tmp_path / "digits.zip", pictures=1024)
    int8 = Int8(format="onnx", plan=plan_here("onnx"))
    scores: list[float] = []
    score = Int8.score

    def spied(self: Int8, *arguments: Any, seed: int) -> Evaluation:
        scored = score(self, *arguments, seed=seed)
        scores.append(float(scored.metrics["top1"]))
        return scored

    monkeypatch.setattr(Int8, "score", spied)
    in_float, in_int8 = proxy(SMALLEST), replace(proxy, int8=int8)(SMALLEST)
    assert [in_int8["accuracy"]] == scores
    assert in_int8["accuracy"] == pytest.approx(in_float["accuracy"], abs=0.1)
    assert replace(proxy, int8=int8).int8_seconds(SMALLEST) > 0
    assert proxy.int8_seconds(SMALLEST) == 0
