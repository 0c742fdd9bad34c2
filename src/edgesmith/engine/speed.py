"""How fast a net trains here: what a promise of time is worth in pictures."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from statistics import fmean

from torch import nn

from edgesmith.core.errors import RunError
from edgesmith.engine.batches import Loader
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.launch import isolated_randomness
from edgesmith.engine.outside import faults_from_outside
from edgesmith.engine.plan import Plan, plan_run
from edgesmith.engine.step import Updater, prepare
from edgesmith.engine.teacher import Teacher
from edgesmith.tasks.base import Task


def measure_speed(
    net: nn.Module,
    task: Task,
    loader: Loader,
    config: TrainConfig,
    *,
    resolution: tuple[int, int],
    steps: int = 12,
    device: str = "auto",
    teacher: Teacher | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Pictures per second of a whole training run, from a few real steps at each of its resolutions.

    The middle half of the steps counts: a short disturbance does not halve a run, and a machine that is always busy,
    or a loader that keeps the net waiting every few steps, is not forecast as if it were neither.

    Args:
        net: Left as it is; a copy is trained.
        task: Gives the loss.
        loader: The real one, because preparing pictures takes time too.
        config: The run that is to be forecast.
        resolution: Height and width that the net is for.
        steps: Timed steps at each resolution, at least 2.
        device: As in `train`.
        teacher: As in `train`.
        clock: Seconds.
    """
    plan = plan_run(config, loader, resolution=resolution)
    updater = prepare(copy.deepcopy(net), task, plan, device=device, teacher=teacher)
    with isolated_randomness(updater.device), updater.undisturbed(), faults_from_outside():
        speeds = {
            size: _measure_at(updater, loader, plan, size, steps=steps, clock=clock) for size in set(plan.resolutions())
        }
    return 1 / fmean(1 / speeds[size] for size in plan.resolutions())


def _measure_at(
    updater: Updater, loader: Loader, plan: Plan, size: tuple[int, int], *, steps: int, clock: Callable[[], float]
) -> float:
    # Workers begin with full queues; their first batches say nothing of their pace.
    warmup = 2 + 2 * plan.config.workers
    seconds: list[float] = []
    epoch = 0
    while len(seconds) < warmup + steps:
        begun = clock()
        count = len(seconds)
        for batch in loader.epoch(epoch, height=size[0], width=size[1]):
            updater.run(batch, rate=plan.rate_at(0))
            ended = clock()
            seconds.append((ended - begun) / len(batch.images))
            begun = ended
            if len(seconds) == warmup + steps:
                break
        if len(seconds) == count:
            raise RunError("the loader gave no batch; are the training pictures there?")
        epoch += 1
    timed = sorted(seconds[warmup:])
    quarter = len(timed) // 4
    return 1 / fmean(timed[quarter : len(timed) - quarter])
