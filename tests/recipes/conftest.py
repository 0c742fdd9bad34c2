"""What tests of whole runs share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from edgesmith.devices.measure import measure
from edgesmith.devices.plan import Plan
from edgesmith.recipes import quantize


@pytest.fixture
def quick_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    """int8 files are timed for a moment only."""

    plan = Plan(limit_s=1.0, loads=2)

    def quickly(subjects: Sequence[Any], devices: Sequence[Any], **_: Any) -> Any:
        return measure(subjects, devices, plan=plan)

    monkeypatch.setattr(quantize, "measure", quickly)
    monkeypatch.setattr(quantize, "_TRIAL", plan)
