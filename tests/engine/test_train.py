"""The loop: it learns, it is deterministic, it goes on after a stop to the same bits, it says what goes wrong."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import RunError, UsageError
from edgesmith.engine.checkpoint import read_checkpoint
from edgesmith.engine.config import ScheduleConfig
from edgesmith.engine.train import TrainResult, train
from edgesmith.nn.build import build
from edgesmith.tasks.classification import Classification
from tests.engine.sets import (
    CONFIG,
    SPEC,
    StoppedError,
    StoppingLoader,
    ToyBatch,
    ToyLoader,
    held_out,
    resumed,
    run,
    same_weights,
    toy_net,
)
from tests.notes import Notes

STEADY = ScheduleConfig(name="constant", warmup_pictures=16)
REPLICAS = pytest.mark.parametrize("replicas", [1, 2])


@REPLICAS
def test_it_learns_what_is_there_to_learn(replicas: int) -> None:
    result = run(replace(CONFIG, pictures=1200, replicas=replicas), held_out=held_out)
    assert result.evaluation is not None
    assert result.evaluation.metrics["top1"] > 0.9  # guessing gives 0.5
    assert result.pictures == pytest.approx(1200, abs=CONFIG.batch_size)


@REPLICAS
def test_same_seed_same_bits_and_another_seed_others(replicas: int) -> None:
    config = replace(CONFIG, replicas=replicas)
    assert same_weights(run(config), run(config))
    assert not same_weights(run(config), run(replace(config, seed=1)))


@REPLICAS
@pytest.mark.parametrize("steps", [1, 3, 6, 11])
@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop", "sgd"])
def test_cases_t1_and_t4_a_stopped_run_goes_on_to_the_same_bits(
    tmp_path: Path, steps: int, optimizer: str, replicas: int
) -> None:
    config = replace(CONFIG, optim=replace(CONFIG.optim, name=optimizer), replicas=replicas)
    straight = run(config)
    again = resumed(config, folder=tmp_path, steps=steps)
    assert same_weights(straight, again)
    rates = [[event["learning_rate"] for event in r.history if event["kind"] == "step"] for r in (straight, again)]
    assert rates[0] == rates[1]
    assert len(rates[0]) == len({event["step"] for event in again.history if event["kind"] == "step"})


def test_replicas_sum_up_to_the_gradient_of_the_whole_batch() -> None:
    """Without norms and dropout, parts of a batch have the gradient of the batch."""
    from edgesmith.engine.replicas import Replicas

    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 2))
    batch = next(ToyLoader(num_images=7, batch_size=7).epoch(0))
    task = Classification(("dark", "bright"))
    whole = task.loss(net(batch.images), batch.targets)
    torch.autograd.backward(whole)
    wanted = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    replicas = Replicas(net, count=3, objective=lambda copy, x, targets: (task.loss_sum(copy(x), targets),))
    parts = replicas.run(batch.images, batch.targets, seed=0, step=0)
    torch.testing.assert_close(parts, whole.detach(), rtol=1e-5, atol=1e-6)
    for parameter, gradient in zip(net.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)


def test_case_t6_averaged_weights_are_of_use_after_fifty_steps() -> None:
    result = run(replace(CONFIG, pictures=200, ema_decay=0.9999), held_out=held_out)
    assert result.source == "average"
    assert result.evaluation is not None
    assert result.evaluation.metrics["top1"] > 0.7
    assert result.weights["1.num_batches_tracked"].dtype == torch.int64
    assert int(result.weights["1.num_batches_tracked"]) == 50


def test_case_t7_a_step_without_a_finite_gradient_is_skipped_and_counted() -> None:
    result = run(loader=ToyLoader(poisoned=(5, 9)))
    assert result.skipped_steps == 2
    assert all(torch.isfinite(value).all() for value in result.weights.values())


def test_case_t7_a_run_that_stays_bad_stops_and_names_the_layer(tmp_path: Path) -> None:
    poisoned = ToyLoader(poisoned=tuple(range(5, 40)))
    with pytest.raises(RunError, match="no finite loss and gradient in 5 steps in a row") as caught:
        run(folder=tmp_path, loader=poisoned)
    assert "checkpoint of step 5 is kept" in str(caught.value)
    assert "\n" not in str(caught.value)


class Veiled(Classification):
    """Says of batches of bright pictures alone that there is nothing in them."""

    def is_void(self, targets: torch.Tensor) -> bool:
        return bool((targets[:, 1] == 1).all())


def test_case_s4_batches_without_anything_to_learn_are_counted_in_the_log(tmp_path: Path) -> None:
    """Also over a stop: what came after the checkpoint is counted once."""
    config = replace(CONFIG, batch_size=2, checkpoint_every_seconds=1e-9)
    wanted = sum(
        bool((batch.targets[:, 1] == 1).all()) for epoch in range(6) for batch in ToyLoader(batch_size=2).epoch(epoch)
    )
    assert wanted > 3
    notes = Notes()

    def begin(loader: ToyLoader) -> TrainResult:
        task, net = Veiled(("dark", "bright")), toy_net()
        return train(
            net,
            task,
            loader,
            config,
            spec=SPEC,
            resolution=(8, 8),
            folder=tmp_path,
            device="cpu",
            progress=notes,
        )

    with pytest.raises(StoppedError):
        begin(StoppingLoader(23, batch_size=2))
    result = begin(ToyLoader(batch_size=2))
    assert sum(event["kind"] == "void" for event in result.history) == wanted
    assert f"{wanted} of 48 batches had nothing to learn from: their masks name no class" in notes.lines


def test_case_t10_checkpoints_are_plain_tensors_and_json(tmp_path: Path) -> None:
    run(folder=tmp_path)
    (last,) = (tmp_path / "checkpoints").iterdir()
    assert sorted(path.name for path in last.iterdir()) == ["state.json", "tensors.safetensors"]
    state = json.loads((last / "state.json").read_text())
    assert {"spec", "config", "step", "position", "seed", "learning_rate", "average_updates"} <= set(state)
    code = f"from safetensors.torch import load_file; print(len(load_file({str(last / 'tensors.safetensors')!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 20


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    straight = run()
    folder = tmp_path / "checkpoints"
    resumed(CONFIG, folder=tmp_path, steps=6)
    newest = max(folder.iterdir())
    (newest / "tensors.safetensors").write_bytes((newest / "tensors.safetensors").read_bytes()[:100])
    notes = Notes()
    again = run(folder=tmp_path, progress=notes)
    assert same_weights(straight, again)
    assert any("damaged" in line and "the checkpoint before it" in line for line in notes.lines)


def test_a_checkpoint_of_another_net_is_refused_in_one_line(tmp_path: Path) -> None:
    run(folder=tmp_path)
    with pytest.raises(RunError, match=r"is of toy \(.*this run trains other") as caught:
        run(folder=tmp_path, spec={"name": "other"})
    assert "\n" not in str(caught.value)


def test_a_full_disk_keeps_the_checkpoints_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    often = replace(CONFIG, checkpoint_every_seconds=1e-9)
    with pytest.raises(StoppedError):
        run(often, folder=tmp_path, loader=StoppingLoader(6))
    before = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert before == ["step-00000005", "step-00000006"]

    whole = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if target.name.startswith("step-"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, target)

    with monkeypatch.context() as full:
        full.setattr(Path, "replace", refuse)
        with pytest.raises(RunError, match="the disk is full"):
            run(often, folder=tmp_path)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == before
    assert same_weights(run(), run(folder=tmp_path, net=toy_net(seed=9)))


class TurningLoader(ToyLoader):
    """From its 20th epoch on it says the opposite of every label, so that the net gets worse."""

    def epoch(
        self, epoch: int, *, start_batch: int = 0, height: int | None = None, width: int | None = None
    ) -> Iterator[ToyBatch]:
        for batch in super().epoch(epoch, start_batch=start_batch, height=height, width=width):
            yield batch if epoch < 20 else replace(batch, targets=1 - batch.targets)


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_the_best_weights_on_the_held_out_part_are_used_where_they_are_wanted(
    tmp_path: Path, ema_decay: float | None
) -> None:
    config = replace(CONFIG, pictures=640, evaluate_every_pictures=64, ema_decay=ema_decay, schedule=STEADY)
    last = run(config, folder=tmp_path / "last", loader=TurningLoader(), held_out=held_out)
    notes = Notes()
    best = run(
        replace(config, use="best"),
        folder=tmp_path / "best",
        loader=TurningLoader(),
        held_out=held_out,
        progress=notes,
    )
    scores = {
        event["step"]: event["metrics"]["top1"]
        for event in best.history
        if event["kind"] == "evaluation" and event["weights"] == best.source
    }
    assert last.step == max(scores)
    assert best.step < last.step
    assert best.evaluation is not None
    assert best.evaluation.metrics["top1"] == scores[best.step] == max(scores.values())
    assert last.evaluation is not None
    assert last.evaluation.metrics["top1"] < best.evaluation.metrics["top1"]
    assert any(f"weights of step {best.step} are used, the best" in line for line in notes.lines)
    kept = read_checkpoint(tmp_path / "best" / "checkpoints" / f"step-{best.step:08d}").tensors
    prefix = "net." if best.source == "raw" else "average."
    assert all(torch.equal(kept[prefix + name], tensor) for name, tensor in best.weights.items())


def test_without_a_held_out_part_there_is_no_best_which_is_said(tmp_path: Path) -> None:
    notes = Notes()
    result = run(replace(CONFIG, use="best"), folder=tmp_path, progress=notes)
    assert same_weights(result, run())
    assert notes.lines == ["use=best needs a held-out part, which this training has not: the last weights are used"]


def test_a_best_checkpoint_that_is_damaged_leaves_the_last_weights(tmp_path: Path) -> None:
    config = replace(CONFIG, pictures=640, evaluate_every_pictures=64, use="best", schedule=STEADY)
    best = run(config, folder=tmp_path, loader=TurningLoader(), held_out=held_out)
    (tmp_path / "checkpoints" / f"step-{best.step:08d}" / "tensors.safetensors").write_bytes(b"")
    notes = Notes()
    again = run(config, folder=tmp_path, loader=TurningLoader(), held_out=held_out, progress=notes)
    assert again.step > best.step
    assert any("is damaged; the last weights are used in place of the best" in line for line in notes.lines)


def test_compile_is_left_out_where_there_is_no_gpu_which_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda _net: pytest.fail("nothing is compiled for the CPU"))
    notes = Notes()
    assert same_weights(run(replace(CONFIG, compile=True), progress=notes), run())
    assert notes.lines == ["compile=true is for a GPU: on the cpu the net is run as it is"]


def test_case_m8_batches_of_one_are_refused_before_the_first_epoch() -> None:
    spec = find("mobilenet_v3_small@width=0.35,resolution=32,classes=2")
    loader = ToyLoader(num_images=4, batch_size=1)
    with pytest.raises(UsageError, match="a norm needs two; use --set batch_size=2"):
        train(
            build(spec),
            Classification(("dark", "bright")),
            loader,
            replace(CONFIG, batch_size=1),
            spec=spec.to_json(),
            resolution=(32, 32),
            device="cpu",
        )


@REPLICAS
def test_case_m8_a_last_batch_of_one_is_trained_on(replicas: int) -> None:
    """Five pictures in batches of four: the lone one is left out by the loader, or uses running statistics."""
    result = run(replace(CONFIG, pictures=40, replicas=replicas), loader=ToyLoader(num_images=5))
    assert all(torch.isfinite(value).all() for value in result.weights.values())
    assert result.skipped_steps == 0


def test_case_m14_a_net_that_stays_at_chance_is_told_of() -> None:
    notes = Notes()
    frozen = replace(CONFIG, pictures=1600, optim=replace(CONFIG.optim, learning_rate=1e-12), ema_decay=None)
    net = toy_net()
    torch.nn.init.zeros_(net.get_parameter("6.weight"))
    run(frozen, net=net, progress=notes)
    assert any("guessing gives 0.693" in line for line in notes.lines)


def test_a_small_mobilenet_trains_with_replicas() -> None:
    spec = find("mobilenet_v3_small@width=0.35,resolution=32,classes=2")
    config = replace(CONFIG, pictures=48, batch_size=8, replicas=2)
    result = train(
        build(spec),
        Classification(("dark", "bright")),
        ToyLoader(num_images=24, batch_size=8),
        config,
        spec=spec.to_json(),
        resolution=(32, 32),
        device="cpu",
    )
    assert set(result.weights) == set(build(spec).state_dict())
    assert np.isfinite([event["loss"] for event in result.history if event["kind"] == "step"]).all()
