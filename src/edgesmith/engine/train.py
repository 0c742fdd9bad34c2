"""The training loop: one for every task, deterministic under a seed, resumed to the bit on the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from edgesmith.core.errors import RunError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.engine.batches import Batch, Loader
from edgesmith.engine.checkpoint import CheckpointFolder
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.evaluate import Evaluation
from edgesmith.engine.event_files import event_files
from edgesmith.engine.health import ChanceWatch, DivergedError, find_bad_layer, is_spoiled
from edgesmith.engine.held_out import Batches, HeldOut
from edgesmith.engine.launch import isolated_randomness
from edgesmith.engine.log import Event, Log
from edgesmith.engine.outside import faults_from_outside
from edgesmith.engine.plan import Plan, plan_run
from edgesmith.engine.state import require_same_run
from edgesmith.engine.step import Updater, prepare
from edgesmith.engine.teacher import Teacher
from edgesmith.nn.sync import plain_norms_
from edgesmith.tasks.base import Task

CHECKPOINTS_NAME: Final = "checkpoints"
_CHANCE_STEPS = 200


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """A finished run.

    Attributes:
        weights: The state to use: averaged where the config keeps an average, else as they are; on the CPU.
        source: ``average`` or ``raw``.
        step: Whose weights they are: the last, or that of the best evaluation where the config uses the best.
        evaluation: Of ``weights`` on the held-out part; None without one.
        history: All events of the run, those before a resume included.
        pictures: Pictures seen.
        seconds: Time spent, in all processes of the run.
        skipped_steps: Steps without a finite loss and gradient.
    """

    weights: Mapping[str, Tensor]
    source: str
    step: int
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
    held_out: Batches | None = None,
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
            best checkpoint; the weights returned are those of the end unless ``config.use`` is ``best``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        teacher: A trained net to learn from beside the labels.
        progress: Shows the stage and takes notes.
        clock: Seconds; decides when checkpoints are written, and nothing else.

    Raises:
        DataError: A picture can no longer be read.
        RunError: The folder is of another run, the disk is full, the loss stayed without a finite value, or a process
            that prepares pictures or trains along has ended.
        UsageError: The batch size or precision cannot work with this net and device.
    """
    plan = plan_run(config, loader, resolution=resolution)
    updater = prepare(net, task, plan, device=device, teacher=teacher)
    run = _Run(updater, task, loader, plan, spec, folder, held_out, progress, clock)
    if config.compile and not updater.is_compiled:
        run.progress.note(f"compile=true is for a GPU: on the {updater.device.type} the net is run as it is")
    with isolated_randomness(updater.device), updater.undisturbed():
        run.resume()
        try:
            with faults_from_outside(run.keep, in_group=updater.world.size > 1):
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
        held_out: Batches | None,
        progress: Progress,
        clock: Callable[[], float],
    ) -> None:
        self.updater, self.state, self.task, self.loader, self.plan = updater, updater.state, task, loader, plan
        self.world = updater.world
        if not self.world.is_first:
            folder, progress = None, SILENT  # one process writes and talks
        self.spec, self.progress, self.clock = spec, progress, clock
        self.shown = event_files(folder)
        self.log = Log(None if folder is None else folder / "events.jsonl", listener=self.shown)
        self.held_out = HeldOut(held_out, task, plan, self.world, self.log)
        self.checkpoints = None if folder is None else CheckpointFolder(folder / CHECKPOINTS_NAME)
        self.chance = ChanceWatch(task.chance_loss, first_step=_CHANCE_STEPS + plan.warmup_steps)
        self.losses, self.detail = list[Tensor](), ""
        self.is_whole = True  # between two steps, so that a checkpoint may be written
        self.saved_step: int | None = None
        self.resumed_seconds, self.started, self.saved_at = 0.0, clock(), clock()

    def resume(self) -> None:
        """Go to the newest whole checkpoint, if there is one, and forget the events after it."""
        found = None if self.checkpoints is None else self.checkpoints.newest(note=self.progress.note)
        checkpoint = self.world.from_first(found)
        if checkpoint is None:
            self.log.rewind(-1)
            return
        changes = require_same_run(checkpoint, spec=self.spec, config=self.plan.config)
        self.state.restore_(checkpoint)
        self.resumed_seconds, self.saved_step = self.state.seconds, self.state.step
        self.progress.note(f"going on from step {self.state.step} of {self.plan.num_steps}")
        self.log.rewind(self.state.step)
        for change in changes:
            self._note(f"from step {self.state.step} on with {change}")

    def advance(self) -> None:
        """Do the steps that are left."""
        seen = self.plan.pictures_at(self.state.step)
        with self.progress.stage("train", self.plan.pictures_at(self.plan.num_steps), "pictures") as stage:
            stage.advance(seen)
            for batch in self._batches():
                self.is_whole = False
                loss = self.updater.run(batch, rate=self.plan.rate_at(self.state.step))
                stage.advance(len(batch.images), detail=self.detail)
                self._after_step(loss, batch)
                self.is_whole = True

    def finish(self) -> TrainResult:
        """Score the weights to use and put them into the net."""
        state = self.state
        evaluation, step = self.held_out.score(state, seconds=self._seconds()), state.step
        self._save()
        self.is_whole = False  # from here on the net takes other weights
        source = "raw" if state.average is None else "average"
        best = self.held_out.take_best_(state, self.checkpoints, note=self.progress.note)
        if best is not None:
            source, step, evaluation = best.weights, best.step, self.held_out.score_alone(state.net)
        elif state.average is not None:
            state.net.load_state_dict(state.average.net.state_dict())
        plain_norms_(state.net.cpu().eval())
        return TrainResult(
            weights={name: tensor.detach() for name, tensor in state.net.state_dict().items()},
            source=source,
            step=step,
            evaluation=evaluation,
            history=tuple(self.log.events),
            pictures=self.plan.pictures_at(state.step),
            seconds=self._seconds(),
            skipped_steps=state.skipped_steps,
        )

    def keep(self) -> str:
        """Where something from outside ends the run: save what is whole, and say how to go on."""
        if self.checkpoints is None:
            return "the same command goes on where it was"
        if self.is_whole:
            self._save()
        if self.saved_step is None:
            return "there is no checkpoint yet, so that the same command begins anew"
        return f"the checkpoint of step {self.saved_step} is kept, and the same command goes on from there"

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
        before = state.best
        if self.plan.is_evaluated_after(state.step):
            self.held_out.score(state, seconds=self._seconds())
        due = self.clock() - self.saved_at >= config.checkpoint_every_seconds and not state.bad_steps_in_a_row
        if state.best is not before or due:
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

    def _save(self) -> None:
        if self.checkpoints is None:
            return
        self.state.seconds = self._seconds()
        best_step = None if self.state.best is None else self.state.best.step
        self.checkpoints.save(self.state.capture(spec=self.spec, plan=self.plan), best_step=best_step)
        self.saved_at, self.saved_step = self.clock(), self.state.step

    def _stop_diverged(self, batch: Batch) -> None:
        """Keep the state before the bad steps, find where it began, and stop."""
        state, config, bad = self.state, self.plan.config, self.state.bad_steps_in_a_row
        state.step, state.skipped_steps, state.bad_steps_in_a_row = state.step - bad, state.skipped_steps - bad, 0
        images, kept_step = batch.images.to(self.updater.device), None
        spoiled = is_spoiled(state.net, images)
        if self.checkpoints is not None:
            if not spoiled:
                self._save()
            kept_step = self.checkpoints.mark_diverged(before=state.step if spoiled else None)
        kept = "" if kept_step is None else f"the checkpoint of step {kept_step} is kept; "
        where = find_bad_layer(state.net, images)
        advice = f"try --set optim.learning_rate={config.optim.learning_rate / 10:g}"
        advice += " or --set precision=32" if self.updater.is_mixed else ""
        raise DivergedError(
            f"training stopped at step {state.step + bad}: no finite loss and gradient in {bad} steps in a row, "
            f"first in {where}; {kept}{advice}",
            kept_step=kept_step,
        )

    def _note(self, text: str) -> None:
        self.log.add("note", step=self.state.step, values={"text": text})
        self.progress.note(text)

    def _seconds(self) -> float:
        return self.resumed_seconds + self.clock() - self.started
