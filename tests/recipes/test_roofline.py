from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.devices.clock import Clock
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.together import Prepared
from edgesmith.recipes.models import Model, resolve
from edgesmith.recipes.roofline import add_rooflines
from tests.devices.fakes import FINGERPRINT, FakeClock, FakeDevice
from tests.devices.roofline.test_machine import MACHINE


class LocalFake(FakeDevice):
    """Says that it is on this machine."""

    threads = 1
    clock: Clock = FakeClock()

    @contextmanager
    def prepared(self, files: Sequence[Path], seed: int) -> Iterator[Prepared]:
        yield Prepared(loads=[])


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesmith.recipes.roofline.load_machine", lambda _: MACHINE)


def test_each_network_that_is_known_gets_its_own_where_the_limits_hold(tmp_path: Path) -> None:
    models = [resolve("mobilenet_v3_small"), Model(name="bare", file=Path("2.0.onnx")), resolve("mobilenet_v2")]
    subjects = [Subject(name=each.name, files={"onnx": Path("2.0.onnx")}) for each in models]
    found = measure(subjects, [LocalFake()], plan=Plan(limit_s=100.0, max_loads=8))
    rooflines = [each.roofline for each in add_rooflines(found, models, [LocalFake()], cache=tmp_path).latency]
    assert [round(each.madds / 1e6) if each else None for each in rooflines] == [57, None, 301]
    assert rooflines[0] is not None
    assert rooflines[0].compute_ms == pytest.approx(2 * 56.5104 / 100, rel=1e-4)
    far = add_rooflines(found, models, [FakeDevice()], cache=tmp_path)
    assert [each.roofline for each in far.latency] == [None, None, None]
    two = replace(found.latency[0], fingerprint=replace(FINGERPRINT, threads=2))
    threaded = add_rooflines(replace(found, latency=(two,)), models, [LocalFake()], cache=tmp_path)
    assert threaded.latency[0].roofline is None
