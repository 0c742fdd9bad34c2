"""One evaluation for modules and files alike."""

from __future__ import annotations

import math
import pickle
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from edgesmith.core.errors import DataError, RunError
from edgesmith.engine.evaluate import eager, evaluate
from edgesmith.engine.world import World
from edgesmith.tasks.classification import Classification
from edgesmith.tasks.segmentation import Segmentation
from tests.engine.sets import HeldBatch, held_out, toy_net

TASK = Classification(("a", "b"))
T = TypeVar("T")


def _batches(*sizes: int) -> Iterator[HeldBatch]:
    """Pictures whose first value is their label's sign: 1 for b, -1 for a; labels alternate."""
    start = 0
    for size in sizes:
        labels = np.arange(start, start + size) % 2
        images = np.zeros((size, 3, 2, 2), dtype=np.float32)
        images[:, 0, 0, 0] = 2 * labels - 1
        yield HeldBatch(images=images, labels=labels)
        start += size


def _read_sign(images: NDArray[np.float32], /) -> NDArray[np.float32]:
    return np.stack([-images[:, 0, 0, 0], images[:, 0, 0, 0]], axis=1)


def _say_b(images: NDArray[np.float32], /) -> NDArray[np.float32]:
    return np.tile(np.array([0.0, 1.0], dtype=np.float32), (len(images), 1))


@pytest.mark.parametrize("sizes", [(10,), (3, 3, 3, 1), (4, 0, 6)])
def test_every_picture_counts_once_in_any_batches(sizes: tuple[int, ...]) -> None:
    right, half = (evaluate(predict, _batches(*sizes), TASK) for predict in (_read_sign, _say_b))
    assert (right.num_images, right.metrics["top1"]) == (10, 1.0)
    assert (half.num_images, half.metrics["top1"]) == (10, 0.5)
    assert half.metrics["confusion"] == [[0, 5], [0, 5]]


def test_figures_are_the_plain_numbers() -> None:
    result = evaluate(_say_b, _batches(8), TASK)
    assert set(result.figures) == {"top1", "top1_low", "top1_high", "top5", "mean_recall", "log_loss"}
    assert result.figures["top1_low"] < 0.5 < result.figures["top1_high"]


def test_the_interval_is_a_function_of_the_seed() -> None:
    first, second = (evaluate(_say_b, _batches(40), TASK, seed=3).metrics for _ in range(2))
    assert first == second


def test_a_module_is_evaluated_in_evaluation_mode_and_left_as_it_was() -> None:
    net = toy_net().train()
    first, second = (evaluate(eager(net), held_out(), TASK).metrics for _ in range(2))
    assert first == second
    assert net.training
    assert int(net.get_buffer("1.num_batches_tracked")) == 0


def test_outputs_that_are_not_finite_are_refused_with_their_place() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with torch.no_grad():
        net.get_parameter("1.bias").fill_(math.inf)
    with pytest.raises(RunError, match="not finite in the batch that starts at picture 0"):
        evaluate(eager(net), _batches(4), TASK)


@dataclass(frozen=True)
class Pair(World):
    """The first of two processes, which hears of its own part alone; keeps the size of what was sent."""

    rank: int = 0
    size: int = 2
    sent: list[int] = field(default_factory=list)

    def gather(self, value: T) -> list[T]:
        self.sent.append(len(pickle.dumps(value)))
        return [value]


@pytest.mark.parametrize("world", [World(), Pair()], ids=["alone", "of two"])
def test_outputs_are_let_go_of_batch_by_batch(world: World) -> None:
    """A segmenter's fill the memory otherwise."""
    seen: list[weakref.ref[NDArray[np.float32]]] = []

    def predict(images: NDArray[np.float32], /) -> NDArray[np.float32]:
        assert all(answer() is None for answer in seen[:-1])
        made = np.zeros((len(images), 2, 256, 256), dtype=np.float32)
        seen.append(weakref.ref(made))
        return made

    masks = np.zeros((4, 256, 256), dtype=np.int64)
    batches = [HeldBatch(images=np.zeros((4, 3, 2, 2), dtype=np.float32), labels=masks) for _ in range(6)]
    found = evaluate(predict, batches, Segmentation(("a", "b")), world=world)
    assert found.num_images == 24
    assert len(seen) == 6 // world.size
    if isinstance(world, Pair):
        assert max(world.sent) < 10_000, "bytes; the outputs have 2 MB a batch"


def test_a_fault_of_another_process_is_told_by_all() -> None:
    class Ill(World):
        def gather(self, value: T) -> list[T]:
            return [value, ("the other's outputs are not finite", [])]  # type: ignore[list-item]

    with pytest.raises(RunError, match="the other's outputs are not finite"):
        evaluate(_say_b, _batches(4), TASK, world=Ill(size=2))


def test_nothing_to_evaluate_on_is_said() -> None:
    with pytest.raises(DataError, match="no picture to evaluate on"):
        evaluate(_say_b, iter(()), TASK)
