"""The Python of docs/supernet.md runs, on noise of five brightnesses and for a few steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.seed import generator
from edgesmith.tasks.classification import Classification
from tests.engine.sets import HeldBatch, ToyBatch
from tests.pages import code_of, run_code
from tests.search.supernet.nets import lively

CLASSES, SIDE = 5, 96


def pictures(count: int, *key: object) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    labels = np.arange(count) % CLASSES
    noise = generator(0, *key).normal(size=(count, 3, SIDE, SIDE))
    return (noise + labels[:, None, None, None] - CLASSES / 2).astype(np.float32), labels


class Loader:
    """Two batches an epoch."""

    num_images, batch_size, num_batches = 32, 16, 2

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[ToyBatch]:
        assert (height or SIDE, width or SIDE) == (SIDE, SIDE)
        for batch in range(start_batch, self.num_batches):
            images, labels = pictures(self.batch_size, "train", epoch, batch)
            targets = torch.nn.functional.one_hot(torch.from_numpy(labels), CLASSES).float()
            yield ToyBatch(images=torch.from_numpy(images), targets=targets)


def held_out() -> list[HeldBatch]:
    images, labels = pictures(20, "held")
    return [HeldBatch(images=images, labels=labels)]


@pytest.mark.slow
def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = find("mobilenet_v3_small")
    space = find_space("mobilenet_v3_small", resolutions=(SIDE,), num_classes=CLASSES)
    madds: list[float] = []

    def train_alone(net: NetSpec) -> float:
        madds.append(count_total(net).madds / 4e6)
        return madds[-1]

    names: dict[str, Any] = {
        "Path": Path,
        "task": Classification([str(number) for number in range(CLASSES)]),
        "loader": Loader(),
        "held_out": held_out,
        "calibration": (torch.from_numpy(pictures(16, "calibration")[0]),),
        "imported": SimpleNamespace(spec=spec, state=lively(spec).state_dict()),
        "table": SimpleNamespace(predict=lambda net: SimpleNamespace(ms=count_total(net).madds / 4e6)),
        "point": space.encode(spec.with_resolution(SIDE).with_num_classes(CLASSES)),
        "train_alone": train_alone,
    }
    (block,) = code_of("docs/supernet.md")
    known = run_code(block, "docs/supernet.md", names, instead={"limit_s=1800,": "pictures=32,"})
    assert known["supernet"].pictures == 32
    assert known["net"].spec == space.decode(names["point"])
    agreement = known["agreement"]
    assert agreement.low <= agreement.tau <= agreement.high
    assert (agreement.warning is None) == (agreement.tau >= 0.5)
    assert len(madds) == 12
    assert max(madds) <= 5.0, "nets above the limit are never drawn"
    assert any((tmp_path / "runs" / "supernet").iterdir())
