"""The one-shot search: weights and policy in turns, resumed to the bit, never above the limit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import RunError, UsageError
from edgesmith.search.objective import Reward
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.oneshot import OneShot, search_oneshot
from edgesmith.search.supernet.oneshot_net import OneShotNet
from edgesmith.search.supernet.policy import PolicyConfig
from tests.engine.sets import StoppedError
from tests.search.supernet.nets import CONFIG, held_out, judge, lively, tiny_space, toy_loader
from tests.search.supernet.test_train import StoppingLoader

SPACE = tiny_space()
FAMILY = Family(SPACE)
(BATCH,) = held_out()
VALIDATION = [(torch.from_numpy(BATCH.images), torch.from_numpy(BATCH.labels))]


def latency(spec: NetSpec) -> float:
    return count_total(spec).madds / 1e5


def search(folder: Path | None = None, **changes: Any) -> OneShot:
    return search_oneshot(
        SPACE,
        changes.pop("loader", toy_loader()),
        VALIDATION,
        judge(),
        latency=latency,
        reward=Reward(target_ms=3.0),
        config=changes.pop("config", CONFIG),
        folder=folder,
        device="cpu",
        **changes,
    )


def test_the_policy_sleeps_for_a_quarter_of_the_run_and_then_sees_each_step() -> None:
    found = search(pictures=8 * 20)
    assert [sight.share for sight in found.history] == [step / 20 for step in range(5, 20)]
    for sight in found.history:
        assert sight.latency_ms == latency(SPACE.decode(sight.point))
        assert sight.reward == pytest.approx(sight.accuracy - 0.1 * abs(sight.latency_ms / 3.0 - 1))
    assert found.supernet.pictures == 160
    assert SPACE.normal(found.point) == found.point
    assert [sum(row) for row in found.probabilities] == pytest.approx([1.0] * len(SPACE.choices))


@pytest.mark.slow
def test_the_policy_comes_to_the_target_when_accuracy_says_nothing() -> None:
    def alike(spec: NetSpec) -> float:
        return 1.0 + float(SPACE.values(SPACE.encode(spec))["stage2.width"] - 16)

    found = search_oneshot(
        SPACE,
        toy_loader(),
        [(images, torch.full_like(labels, 2)) for images, labels in VALIDATION],  # never right
        judge(),
        latency=alike,
        reward=Reward(target_ms=9.0),
        policy=PolicyConfig(warmup_share=0.0),
        config=CONFIG,
        pictures=8 * 60,
        device="cpu",
    )
    assert {sight.accuracy for sight in found.history} == {0.0}
    assert SPACE.values(found.point)["stage2.width"] == 24


def test_a_killed_search_ends_with_the_same_history_policy_and_weights(tmp_path: Path) -> None:
    often = replace(CONFIG, checkpoint_every_seconds=1e-9)
    loader = StoppingLoader(num_images=24, batch_size=8)
    loader.left = 4
    with pytest.raises(StoppedError):
        search(tmp_path, config=often, loader=loader)
    seen = len((tmp_path / "policy.jsonl").read_text().splitlines())
    resumed, whole = search(tmp_path, config=often), search()
    assert 0 < seen < len(resumed.history)
    assert resumed.history == whole.history
    assert resumed.probabilities == whole.probabilities
    mine, theirs = resumed.supernet.net.state_dict(), whole.supernet.net.state_dict()
    assert all(torch.equal(tensor, theirs[key]) for key, tensor in mine.items())
    again = search(tmp_path, config=often)
    assert again.point == whole.point
    assert again.history == whole.history


def test_a_history_of_another_search_is_refused(tmp_path: Path) -> None:
    search(tmp_path)
    path = tmp_path / "policy.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["point"][1:] = list(FAMILY.largest)[1:]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(RunError, match="of another search"):
        search(tmp_path)


def test_nothing_above_the_limit_is_trained_seen_or_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[int, ...]] = []
    at = OneShotNet.at_

    def spied(self: OneShotNet, share: float) -> None:
        at(self, share)
        trained.append(self.point)

    monkeypatch.setattr(OneShotNet, "at_", spied)
    limit = 6500
    found = search(pictures=8 * 16, allowed=lambda spec: count_total(spec).parameters <= limit)
    points = [*trained, found.point, *(sight.point for sight in found.history)]
    assert len(points) > 16 + 12
    assert max(count_total(SPACE.decode(point)).parameters for point in points) <= limit


def test_the_warm_up_begins_with_the_largest_net_and_leaves_it() -> None:
    net = OneShotNet(FAMILY, lively(FAMILY.spec), Draw(FAMILY), warmup_share=1.0, seed=0)

    def share_of_largest(begin: float) -> float:
        count = 0
        for step in range(100):
            net.at_(begin + step / 1000)
            count += net.point == FAMILY.largest
        return count / 100

    assert share_of_largest(0.0) > 0.8
    assert share_of_largest(0.9) < 0.2


def test_every_weight_has_a_gradient_and_unused_ones_none_of_worth() -> None:
    net = OneShotNet(FAMILY, lively(FAMILY.spec), Draw(FAMILY), warmup_share=1.0, seed=0).train()
    net._chosen.points = (FAMILY.smallest,)
    net(VALIDATION[0][0]).square().sum().backward()
    gradients = {name: parameter.grad for name, parameter in net.net.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    outside = gradients[f"blocks.{len(FAMILY.spec.blocks) - 2}.project.conv.weight"]
    assert outside is not None
    assert not outside.any()


def test_time_is_turned_into_pictures(tmp_path: Path) -> None:
    found = search(tmp_path, limit_s=1.0)
    kept = json.loads((tmp_path / "supernet.json").read_text())["pictures"]
    assert abs(found.supernet.pictures - kept) <= CONFIG.batch_size


def test_what_cannot_be_searched_is_refused() -> None:
    with pytest.raises(UsageError, match="for pictures or for time"):
        search(pictures=8, limit_s=1.0)
    with pytest.raises(UsageError, match="at least one batch of held-out pictures"):
        search_oneshot(SPACE, toy_loader(), [], judge(), latency=latency, reward=Reward(target_ms=1.0), device="cpu")
