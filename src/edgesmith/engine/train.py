"""The training loop: one for every task, deterministic under a seed, resumed to the bit on the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgesmith.core.errors import RunError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.engine.batches import Batch, EvaluationBatch, Loader
from edgesmith.engine.checkpoint import CheckpointFolder
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.evaluate import Evaluation, eager, evaluate
from edgesmith.engine.event_files import event_files
from edgesmith.engine.health import ChanceWatch, find_bad_layer
from edgesmith.engine.launch import isolated_randomness
from edgesmith.engine.log import EVENTS_NAME, Event, Log
from edgesmith.engine.plan import Plan, plan_run
from edgesmith.engine.state import Best, require_same_run
from edgesmith.engine.step import Updater, prepare
from edgesmith.engine.teacher import Teacher
from edgesmith.nn.sync import plain_norms_
from edgesmith.tasks.base import Task

_CHANCE_STEPS = 200


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """A finished run.

    Attributes:
        weights: The state to use: averaged where the config keeps an average, else the last; on the CPU.
        source: ``average`` or ``raw``.
        evaluation: Of ``weights`` on the held-out part; None without one.
        history: All events of the run, those before a resume included.
        pictures: Pictures seen.
        seconds: Time spent, in all processes of the run.
        skipped_steps: Steps without a finite loss and gradient.
    """

    weights: Mapping[str, Tensor]
    source: str
    evaluation: Evaluation | None
    history: tuple[Event, ...]
    pictures: int
    seconds: float
    skipped_steps: int


def train(
    net: nn.Module,
    task: Task,
    loader: Loader,
    config: TrainConfig,
    *,
    spec: Mapping[str, Any],
    resolution: tuple[int, int],
    folder: Path | None = None,
    held_out: Callable[[], Iterable[EvaluationBatch]] | None = None,
    device: str = "auto",
    teacher: Teacher | None = None,
    progress: Progress = SILENT,
    clock: Callable[[], float] = time.monotonic,
) -> TrainResult:
    """Train ``net`` on ``config.pictures`` pictures, going on from the folder's newest checkpoint.

    Args:
        net: Changes in place; ends on the CPU, in evaluation mode, with the weights to use.
        task: Gives loss and metric.
        loader: Gives batches of ``config.batch_size`` pictures.
        config: What to do.
        spec: The net's spec as JSON; a checkpoint of another spec is refused.
        resolution: Height and width that the net is for.
        folder: Takes ``events.jsonl``, ``checkpoints/`` and, where TensorBoard is installed, ``tensorboard/``; None
            keeps the run in memory.
        held_out: Gives the batches of a held-out part of train, anew at each call. They make the curves and mark the
            best checkpoint; the weights returned are those of the end whatever they say.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        teacher: A trained net to learn from beside the labels.
        progress: Shows the stage and takes notes.
        clock: Seconds; decides when checkpoints are written, and nothing else.

    Raises:
        RunError: The folder is of another run, the disk is full, or the loss stayed without a finite value.
        UsageError: The batch size or precision cannot work with this net and device.
    """
    plan = plan_run(config, loader, resolution=resolution)
    updater = prepare(net, task, plan, device=device, teacher=teacher)
    run = _Run(updater, task, loader, plan, spec, folder, held_out, progress, clock)
    with isolated_randomness(updater.device), updater.undisturbed():
        run.resume()
        try:
            run.advance()
            return run.finish()
        finally:
            run.close()


class _Run:
    """One call of `train`: the loop, and what happens between its steps."""

    def __init__(
        self,
        updater: Updater,
        task: Task,
        loader: Loader,
        plan: Plan,
        spec: Mapping[str, Any],
        folder: Path | None,
        held_out: Callable[[], Iterable[EvaluationBatch]] | None,
        progress: Progress,
        clock: Callable[[], float],
    ) -> None:
        self.updater, self.state, self.task, self.loader, self.plan = updater, updater.state, task, loader, plan
        self.world = updater.world
        if not self.world.is_first:
            folder, progress = None, SILENT  # one process writes and talks
        self.spec, self.held_out, self.progress, self.clock = spec, held_out, progress, clock
        self.shown = event_files(folder)
        self.log = Log(None if folder is None else folder / EVENTS_NAME, listener=self.shown)
        self.checkpoints = None if folder is None else CheckpointFolder(folder / "checkpoints")
        self.chance = ChanceWatch(task.chance_loss, first_step=_CHANCE_STEPS + plan.warmup_steps)
        self.losses: list[Tensor] = []
        self.detail = ""
        self.resumed_seconds, self.started, self.saved_at = 0.0, clock(), clock()

    def resume(self) -> None:
        """Go to the newest whole checkpoint, if there is one, and forget the events after it."""
        found = None if self.checkpoints is None else self.checkpoints.newest(note=self.progress.note)
        checkpoint = self.world.from_first(found)
        if checkpoint is not None:
            require_same_run(checkpoint, spec=self.spec, config=self.plan.config)
            self.state.restore_(checkpoint)
            self.resumed_seconds = self.state.seconds
            self.progress.note(f"going on from step {self.state.step} of {self.plan.num_steps}")
        self.log.rewind(self.state.step if checkpoint is not None else -1)

    def advance(self) -> None:
        """Do the steps that are left."""
        seen = self.plan.pictures_at(self.state.step)
        with self.progress.stage("train", self.plan.pictures_at(self.plan.num_steps), "pictures") as stage:
            stage.advance(seen)
            for batch in self._batches():
                loss = self.updater.run(batch, rate=self.plan.rate_at(self.state.step))
                stage.advance(len(batch.images), detail=self.detail)
                self._after_step(loss, batch)

    def finish(self) -> TrainResult:
        """Score the weights to use and put them into the net."""
        state = self.state
        evaluation = self._evaluate()
        self._save()
        source = "raw" if state.average is None else "average"
        if state.average is not None:
            state.net.load_state_dict(state.average.net.state_dict())
        plain_norms_(state.net.cpu().eval())
        return TrainResult(
            weights={name: tensor.detach() for name, tensor in state.net.state_dict().items()},
            source=source,
            evaluation=evaluation,
            history=tuple(self.log.events),
            pictures=self.plan.pictures_at(state.step),
            seconds=self._seconds(),
            skipped_steps=state.skipped_steps,
        )

    def close(self) -> None:
        """Leave no file open."""
        if self.shown is not None:
            self.shown.close()

    def _batches(self) -> Iterator[Batch]:
        """The batches from the present step to the end, over epochs and resolutions."""
        while (first := self.state.step) < self.plan.num_steps:
            epoch, start = self.plan.position_at(first)
            height, width = self.plan.resolution_at(first)
            batches = self.loader.epoch(epoch, start_batch=start, height=height, width=width)
            yield from islice(batches, self.plan.stretch_end(first) - first)
            if self.state.step == first:
                raise RunError(f"the loader gave no batch {start} of epoch {epoch}; are the training pictures there?")

    def _after_step(self, loss: Tensor | None, batch: Batch) -> None:
        state, config = self.state, self.plan.config
        if state.bad_steps_in_a_row >= config.max_bad_steps:
            self._stop_diverged(batch)
        if loss is not None:
            self.losses.append(loss)
        if state.step % config.log_every_steps == 0:
            self._log_loss()
        improved = self.plan.is_evaluated_after(state.step) and self._evaluate_and_compare()
        if improved or self.clock() - self.saved_at >= config.checkpoint_every_seconds:
            self._save()

    def _log_loss(self) -> None:
        """One entry for the steps since the last; the only place that reads losses from the device."""
        step, rate = self.state.step, self.plan.rate_at(self.state.step - 1)
        loss = float(torch.stack(self.losses).mean()) if self.losses else None
        self.losses.clear()
        self.log.add(
            "step",
            step=step,
            values={
                "pictures": self.plan.pictures_at(step),
                "of": self.plan.pictures_at(self.plan.num_steps),
                "loss": loss,
                "learning_rate": rate,
                "seconds": self._seconds(),
            },
        )
        if loss is None:
            return
        self.detail = f"loss {loss:.3f}"
        warning = self.chance.see(loss, step=step, learning_rate=self.plan.config.optim.learning_rate)
        if warning is not None:
            self._note(warning)

    def _evaluate_and_compare(self) -> bool:
        """Score the held-out part; whether that was the best so far."""
        before = self.state.best
        self._evaluate()
        return self.state.best is not before

    def _evaluate(self) -> Evaluation | None:
        """Score raw and averaged weights, each once a step; the evaluation of the weights to use."""
        if self.held_out is None:
            return None
        state, result = self.state, None
        nets = {"raw": state.net} | ({} if state.average is None else {"average": state.average.net})
        known = {event["weights"] for event in self.log.events if _is_evaluation_at(event, state.step)}
        for name, net in nets.items():
            self.world.agree_(net)
            result = evaluate(eager(net), self.held_out(), self.task, seed=self.plan.config.seed, world=self.world)
            if name not in known:
                self._record(name, result)
        return result

    def _record(self, name: str, result: Evaluation) -> None:
        state, score = self.state, float(result.metrics[self.task.score_name])
        values = {
            "pictures": self.plan.pictures_at(state.step),
            "weights": name,
            "num_images": result.num_images,
            "metrics": result.figures,
            "seconds": self._seconds(),
        }
        self.log.add("evaluation", step=state.step, values=values)
        if state.best is None or score > state.best.score:
            state.best = Best(step=state.step, score=score, weights=name)

    def _save(self) -> None:
        if self.checkpoints is None:
            return
        self.state.seconds = self._seconds()
        best_step = None if self.state.best is None else self.state.best.step
        self.checkpoints.save(self.state.capture(spec=self.spec, plan=self.plan), best_step=best_step)
        self.saved_at = self.clock()

    def _stop_diverged(self, batch: Batch) -> None:
        """Keep the state before the bad steps, find where it began, and stop."""
        state, config, bad = self.state, self.plan.config, self.state.bad_steps_in_a_row
        state.step -= bad
        state.skipped_steps -= bad
        state.bad_steps_in_a_row = 0
        self._save()
        kept = f"the checkpoint of step {state.step} is kept; " if self.checkpoints is not None else ""
        where = find_bad_layer(state.net, batch.images.to(self.updater.device))
        full_precision = " or --set precision=32" if self.updater.is_mixed else ""
        raise RunError(
            f"training stopped at step {state.step + bad}: no finite loss and gradient in {bad} steps in a row, "
            f"first in {where}; {kept}try --set optim.learning_rate={config.optim.learning_rate / 10:g}{full_precision}"
        )

    def _note(self, text: str) -> None:
        self.log.add("note", step=self.state.step, values={"text": text})
        self.progress.note(text)

    def _seconds(self) -> float:
        return self.resumed_seconds + self.clock() - self.started


def _is_evaluation_at(event: Event, step: int) -> bool:
    return bool(event["kind"] == "evaluation" and event["step"] == step)
