"""The one-shot search of TuNAS: shared weights and a policy over the space's choices, trained in turns.

Each step trains one net, drawn from the policy, on training pictures; then the policy draws another, sees how the
shared weights do with it on held-out pictures, and learns from the reward. For the first quarter of the run the policy
is off: nets are drawn evenly, and the largest one in their place with a chance that falls from 1 to 0.

Paper: Bender et al. 2020 (TuNAS). The whole largest net in the warm-up, in place of all options at each layer, and
gates, kernels and widths that are parts of one weight each are edgesmith's.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.engine.batches import Loader
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.plan import plan_run
from edgesmith.engine.speed import measure_speed
from edgesmith.engine.train import train
from edgesmith.nn.build import build
from edgesmith.search.objective import Reward
from edgesmith.search.supernet.drawing import Allowed, Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.growing import grow, place_of
from edgesmith.search.supernet.oneshot_net import OneShotNet
from edgesmith.search.supernet.policy import PolicyConfig, TunasPolicy
from edgesmith.search.supernet.supernet import Judge, Supernet
from edgesmith.search.supernet.train import CONFIG, Origin, describe, remembered, training_device
from edgesmith.search.supernet.watcher import Sight, Validation, Watcher

_TIMED_STEPS: Final = 4


@dataclass(frozen=True, kw_only=True)
class OneShot:
    """What the search found.

    Attributes:
        point: The likeliest option of each choice.
        history: Every step of the policy.
        probabilities: For each choice the final probabilities of its options.
        supernet: The shared weights, which score any net.
    """

    point: Encoding
    history: tuple[Sight, ...]
    probabilities: tuple[tuple[float, ...], ...]
    supernet: Supernet


def search_oneshot(
    space: StagedSpace,
    loader: Loader,
    validation: Validation,
    judge: Judge,
    *,
    latency: Callable[[NetSpec], float],
    reward: Reward,
    policy: PolicyConfig | None = None,
    config: TrainConfig = CONFIG,
    pictures: int | None = None,
    limit_s: float | None = None,
    origin: Origin | None = None,
    allowed: Allowed | None = None,
    folder: Path | None = None,
    device: str = "auto",
    progress: Progress = SILENT,
) -> OneShot:
    """Train shared weights and a policy in turns; started again on the same folder it goes on.

    Args:
        space: Its nets share the weights of its largest one.
        loader: Training batches at the largest net's resolution.
        validation: What the policy sees, apart from both the training pictures and the judge's.
        judge: What nets are scored with afterwards; its task, a classification, gives the loss.
        latency: Milliseconds of a net, predicted.
        reward: Of accuracy and latency; `Reward`'s default is TuNAS' absolute one.
        policy: How the policy learns; None takes the defaults, see `PolicyConfig`.
        config: How weights are trained.
        pictures: As in `train_supernet`.
        limit_s: As in `train_supernet`.
        origin: As in `train_supernet`.
        allowed: A hard limit: nets for which it is false are never drawn, and never handed over.
        folder: Takes events, checkpoints and the policy's history.
        device: As in `train_supernet`.
        progress: Told of the stages.

    Raises:
        UsageError: Both limits are given, or there is no batch to validate on.
        WeightsError: The space's nets cannot share weights, or the origin is not in the space.
        BudgetError: Not even the smallest net is allowed.
        RunError: The folder is of another run.
    """
    if pictures is not None and limit_s is not None:
        raise UsageError(f"a search is for pictures or for time; got {pictures} pictures and {limit_s:g} s")
    if not validation:
        raise UsageError("the policy has nothing to see: give it at least one batch of held-out pictures")
    rules = PolicyConfig() if policy is None else policy
    family = Family(space, like=None if origin is None else place_of(space, origin.spec))
    draw = Draw(family, allowed)
    net = build(family.spec, seed=config.seed)
    if origin is not None:
        net.load_state_dict(grow(origin.state, origin.spec, family, seed=config.seed))
    shared = OneShotNet(family, net, draw, warmup_share=rules.warmup_share, seed=config.seed)
    if limit_s is not None:
        path = None if folder is None else folder / "supernet.json"
        pictures = remembered(path, lambda: _affordable(shared, validation, judge, loader, config, limit_s, device))
        progress.note(f"{pictures} pictures are what {limit_s:g} s are worth")
    if pictures is not None:
        config = replace(config, pictures=pictures)
    steps = plan_run(config, loader, resolution=family.spec.resolution).num_steps
    learner = TunasPolicy(family, draw, rules, steps=round(steps * (1 - rules.warmup_share)), seed=config.seed)
    shared.watcher = Watcher(learner, validation, latency, reward, None if folder is None else folder / "policy.jsonl")
    result = train(
        shared,
        judge.task,
        loader,
        config,
        spec=family.spec.to_json() | {"oneshot": describe(family, 0, 1.0)},
        resolution=family.spec.resolution,
        folder=folder,
        device=device,
        progress=progress,
    )
    shared.watcher.recall(1.0)
    supernet = Supernet(
        family, net.to(training_device(device)), judge, draw, pictures=result.pictures, seconds=result.seconds
    )
    return OneShot(
        point=learner.mode(),
        history=tuple(shared.watcher.history),
        probabilities=tuple(tuple(row.tolist()) for row in learner.probabilities()),
        supernet=supernet,
    )


def _affordable(
    shared: OneShotNet,
    validation: Validation,
    judge: Judge,
    loader: Loader,
    config: TrainConfig,
    limit_s: float,
    device: str,
) -> int:
    """Pictures whose training steps, and the policy's steps between them, fit into a time."""
    resolution = tuple(validation[0][0].shape[2:])
    speed = measure_speed(
        shared, judge.task, loader, config, resolution=(resolution[0], resolution[1]), steps=_TIMED_STEPS, device=device
    )
    twin, place = copy.deepcopy(shared).train(), training_device(device)
    twin.to(place)
    rng, begun = generator(config.seed, "time"), time.perf_counter()
    for number in range(_TIMED_STEPS):
        images = validation[number % len(validation)][0]
        with torch.no_grad():
            twin.answer(shared._draw.point(rng), images.to(place)).cpu()
    look_s = (time.perf_counter() - begun) / _TIMED_STEPS
    each_s = 1 / speed + (1 - shared._warmup_share) * look_s / config.batch_size
    return max(config.batch_size, round(limit_s / each_s))
