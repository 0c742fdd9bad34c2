"""The Python of docs/block_table.md runs, on a device without a machine whose table has passed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.caches import cache_folder
from edgesmith.devices.blocks.files import SpecMaker
from edgesmith.recipes.profile import ProfilePlan, profile_device
from tests.devices.blocks.fakes import EFFORTS, FAMILIES, LawDevice, additive
from tests.devices.fakes import QUIET
from tests.pages import code_of, run_code


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path))
    device = LawDevice(noise=replace(QUIET, load=0.005, round=0.01, sample=0.01), name="onnxruntime")
    monkeypatch.setattr("edgesmith.devices.table.get_device", {"onnxruntime": device}.__getitem__)
    monkeypatch.setattr("edgesmith.devices.blocks.files.maker_for", lambda _: SpecMaker())
    plan = ProfilePlan(families=FAMILIES, nets=24, efforts=EFFORTS, processes=1, seed=2)
    assert profile_device(device, maker=SpecMaker(), cache=cache_folder(), plan=plan).trial.gate.passed
    spec = find("mobilenet_v3_small@resolution=192")
    (block,) = code_of("docs/block_table.md")
    names = run_code(block, "docs/block_table.md", {"spec": spec})
    predicted = names["table"].predict(spec)
    assert predicted.ms == pytest.approx(additive(spec), rel=0.04)
    assert predicted.low_ms < predicted.ms < predicted.high_ms
