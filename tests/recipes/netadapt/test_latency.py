"""Predictions of narrowed networks from three timed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.arch.edits.widths import widths_of, with_width
from edgesmith.arch.zoo.names import find
from edgesmith.core.progress import SILENT
from edgesmith.devices.blocks.files import SpecMaker
from edgesmith.recipes.netadapt.latency import LatencyLaw, learn_law
from edgesmith.search.netadapt import is_same_make
from tests.devices.blocks.fakes import additive
from tests.recipes.netadapt.fakes import FolderDevice

NAMES = ("mobilenet_v1", "mobilenet_v3_small", "lraspp_mobilenet_v3_small", "ssdlite_mobilenet_v3_small")
SLOW = ("mobilenet_v2", "mobilenet_v3_small_minimalistic", "mnasnet_a1", "mobilenet_v4_conv_small")


@pytest.mark.parametrize("name", [*NAMES, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_a_law_of_three_nets_predicts_every_single_narrowing(name: str, tmp_path: Path) -> None:
    spec = find(f"{name}@resolution=96")
    law = learn_law(spec, FolderDevice(), cache=tmp_path, maker=SpecMaker(), multiple=8, progress=SILENT).anchored(
        spec, additive(spec)
    )
    assert law.predict(spec) == pytest.approx(additive(spec))
    assert "this network's own blocks" in law.origin
    for width in widths_of(spec):
        for share in (0.5, 0.75):
            narrower = with_width(spec, width, max(8, int(width.channels * share) // 8 * 8))
            if is_same_make(spec, narrower):
                assert law.predict(narrower) == pytest.approx(additive(narrower), rel=0.03)


def test_it_survives_the_run_folder_and_can_be_anchored_anew(tmp_path: Path) -> None:
    spec = find("mobilenet_v3_small@width=0.35,resolution=32")
    law = learn_law(spec, FolderDevice(), cache=tmp_path, maker=SpecMaker(), multiple=8, progress=SILENT)
    assert LatencyLaw.from_json(law.to_json()) == law
    assert law.anchored(spec, 3.0).predict(spec) == pytest.approx(3.0)
