"""The engine's loop trains a supernet: resumed to the bit, by several threads, for so many pictures or so long."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edgesmith.arch.cost import count_total
from edgesmith.core.errors import RunError, UsageError
from edgesmith.search.supernet.sandwich import SandwichNet
from edgesmith.search.supernet.supernet import Supernet
from edgesmith.search.supernet.train import Origin
from tests.engine.sets import StoppedError, ToyLoader
from tests.search.supernet.nets import CONFIG, lively, points, tiny_space, trained

SPACE = tiny_space()


class StoppingLoader(ToyLoader):
    """Raises after so many batches, as a kill would."""

    left = 2

    def epoch(self, epoch, **place):  # type: ignore[no-untyped-def]
        for batch in super().epoch(epoch, **place):
            if not self.left:
                raise StoppedError
            self.left -= 1
            yield batch


def same(a: Supernet, b: Supernet) -> bool:
    mine, theirs = a.net.state_dict(), b.net.state_dict()
    return all(torch.equal(tensor, theirs[key]) for key, tensor in mine.items())


def test_training_makes_the_smallest_and_the_largest_net_better_than_chance() -> None:
    shared = trained(pictures=240)
    assert shared.pictures == 240
    assert shared.score(shared.family.largest) > 0.7
    assert shared.score(shared.family.smallest) > 0.7


def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    often = replace(CONFIG, checkpoint_every_seconds=1e-9, ema_decay=0.9)
    with pytest.raises(StoppedError):
        trained(config=often, folder=tmp_path, loader=StoppingLoader(num_images=24, batch_size=8))
    resumed = trained(config=often, folder=tmp_path)
    assert any(tmp_path.glob("checkpoints/step-*"))
    assert same(resumed, trained(config=often))
    (point,) = points(SPACE, 1)
    assert resumed.score(point) == trained(config=often, folder=tmp_path).score(point)


def test_a_folder_of_another_space_is_refused(tmp_path: Path) -> None:
    trained(folder=tmp_path)
    with pytest.raises(RunError, match="give another --out folder"):
        trained(folder=tmp_path, random_nets=1)


def test_threads_train_the_same_nets_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, object]] = []
    forward = SandwichNet.forward

    def spied(self: SandwichNet, images: torch.Tensor) -> object:
        if self.training:
            seen.append((id(self), self.points))
        return forward(self, images)

    monkeypatch.setattr(SandwichNet, "forward", spied)
    trained(config=replace(CONFIG, replicas=2))
    copies = {copy for copy, _ in seen}
    assert len(copies) == 2
    first, second = ([points for copy, points in seen if copy == each] for each in copies)
    assert first == second
    assert len(set(first)) == 6


def test_time_is_turned_into_pictures_once(tmp_path: Path) -> None:
    shared = trained(folder=tmp_path, limit_s=1.0)
    kept = json.loads((tmp_path / "supernet.json").read_text())["pictures"]
    assert kept >= CONFIG.batch_size
    again = trained(folder=tmp_path, limit_s=1.0)
    assert again.pictures == shared.pictures
    assert abs(shared.pictures - kept) <= CONFIG.batch_size


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(UsageError, match="for pictures or for time; got 8 pictures and 1 s"):
        trained(pictures=8, limit_s=1.0)
    with pytest.raises(UsageError, match="0 or more, got -1"):
        trained(random_nets=-1)


def test_training_draws_no_net_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, ...]] = []
    at = SandwichNet.at_

    def spied(self: SandwichNet, share: float) -> None:
        at(self, share)
        drawn.extend(self.points)

    monkeypatch.setattr(SandwichNet, "at_", spied)
    limit = 6000
    trained(allowed=lambda spec: count_total(spec).parameters <= limit)
    assert max(count_total(SPACE.decode(point)).parameters for point in drawn) <= limit
    assert len(drawn) >= 18


def test_a_trained_net_is_where_training_begins() -> None:
    point = points(SPACE, 1, seed=3)[0]
    spec = SPACE.decode(point)
    net = lively(spec)
    slow = replace(CONFIG, optim=replace(CONFIG.optim, learning_rate=1e-12, weight_decay=0.0))
    shared = trained(config=slow, origin=Origin(spec=spec, state=net.state_dict()), pictures=8)
    theirs = net.state_dict()["head.classifier.linear.bias"]
    torch.testing.assert_close(shared.net.state_dict()["head.classifier.linear.bias"], theirs)
    assert SPACE.values(shared.family.largest)["stage2.activation"] == SPACE.values(point)["stage2.activation"]
