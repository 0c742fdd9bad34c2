"""A real file on this machine, with work beside it on every core and with none."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgesmith.core.threads import allowed_cores
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_device
from tests.runtimes.graphs import write_graph

LOOP = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="time on the core and pinning are Linux's"),
]


@contextmanager
def busy_loops() -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(2 * len(allowed_cores()))]
    try:
        time.sleep(0.5)
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def test_load_is_flagged_and_moves_neither_latency_nor_verdict(tmp_path: Path) -> None:
    small = write_graph(tmp_path / "small.onnx", shape=(1, 3, 1600, 1600))
    large = write_graph(tmp_path / "large.onnx", shape=(1, 3, 2000, 2000))
    subjects = [Subject(name=path.stem, files={"onnx": path}) for path in (small, large, small)]
    before = measure(subjects, [get_device("onnxruntime")], plan=Plan(limit_s=6.0))
    with busy_loops():
        loaded = measure(subjects, [get_device("onnxruntime")], plan=Plan(limit_s=12.0))
    assert loaded.latency[0].contended
    assert loaded.latency[0].ms < 1.6 * before.latency[0].ms
    assert [pair.verdict for pair in loaded.comparisons] == ["faster", "cannot tell", "slower"]
    assert [pair.verdict for pair in before.comparisons] == ["faster", "cannot tell", "slower"]
