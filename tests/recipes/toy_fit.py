"""A fit of three small networks on a device without a machine, the widest of which always wins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.progress import SILENT, Progress
from edgesmith.recipes import fit as fits
from edgesmith.recipes import measure as measuring
from edgesmith.recipes.candidates import Choice, Measured
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_race import Race, Runners
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.models import Model
from edgesmith.recipes.quickstart import write_digits
from tests.devices.blocks.fakes import additive
from tests.recipes.netadapt.fakes import FolderDevice

NETS = tuple(
    find(f"mobilenet_v3_small@width={width},resolution=32").with_num_classes(10) for width in (0.75, 0.5, 0.35)
)
WIDEST, MIDDLE, LEAST = (spec.name for spec in NETS)
BUDGET_MS = 1.03 * additive(NETS[0])


def measured(spec: NetSpec) -> Measured:
    """As it was when it was chosen; on the device that `measure` finds, which is one of formulas."""
    found = measuring.measure_models([Model(name=spec.name, spec=spec)], "fake")
    return Measured(spec=spec, latency=found.latency[0])


def toy_fit(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: FolderDevice,
    *,
    progress: Progress = SILENT,
    nets: tuple[NetSpec, ...] = NETS,
    **changes: Any,
) -> FitResult:
    """Run it in ``run`` of a folder that gets the digits too."""

    def choose(*_: Any, **__: Any) -> Choice:
        return Choice(fitting=tuple(map(measured, nets)), too_slow=(), too_costly=())

    original = Runners.run

    def race(self: Runners, seconds: float, speed: float) -> Race:
        return replace(original(self, seconds, speed), winner=WIDEST)

    monkeypatch.setattr(measuring, "get_devices", lambda _: [device])
    monkeypatch.setattr(fits, "choose_of_zoo", choose)
    monkeypatch.setattr(Runners, "run", race)
    if not (folder / "digits.zip").is_file():
        write_digits(folder / "digits.zip")
    config = FitConfig(
        data=str(folder / "digits.zip"),
        budget=f"{BUDGET_MS:.6f}ms",
        time="20s",
        weights="none",
        resolution=32,
        settings=("workers=0", "replicas=1", "batch_size=32"),
    )
    return fits.fit(replace(config, **changes), out=folder / "run", progress=progress)
