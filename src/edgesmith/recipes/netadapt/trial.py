"""One proposal's turn: the weights of the network before, some steps of fine-tuning, a score on held-out pictures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from edgesmith.arch.spec import NetSpec
from edgesmith.core.files import atomic_file, write_json
from edgesmith.data.evaluation import Crops
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.devices.blocks.files import Maker
from edgesmith.engine.config import ScheduleConfig, TrainConfig
from edgesmith.engine.evaluate import eager, evaluate
from edgesmith.engine.train import train
from edgesmith.nn.build import Net, build
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.net_forms import deployed
from edgesmith.recipes.train import task_of
from edgesmith.weights.transplant import transplant

FILES_NAME: Final = "files"
_GENTLE: Final = 0.3
_NORM_MOMENTUM: Final = 0.3  # statistics of the wider net are forgotten within ten steps


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A proposal to be fine-tuned and scored.

    Attributes:
        spec: The proposed network.
        before: The network that it was narrowed from.
        weights: Safetensors of ``before``.
        out: Where the answer goes; the new weights beside it, with another suffix.
        config: The fine-tuning.
        rule: From picture to input.
        data: As DATA of the command line, absolute.
        seed: Of the split.
        maker: Makes the file that is measured, beside ``out``; None makes none.
    """

    spec: NetSpec
    before: NetSpec
    weights: Path
    out: Path
    config: TrainConfig
    rule: Preprocessing
    data: str
    seed: int
    maker: Maker | None = None

    @property
    def file(self) -> Path | None:
        """Where the file goes whose latency is the proposal's."""
        return None if self.maker is None else self.out.parent / FILES_NAME / f"{self.out.stem}{self.maker.suffix}"

    @property
    def state(self) -> Path:
        """Where the fine-tuned weights go."""
        return self.out.with_suffix(".safetensors")


def run_trial(trial: Trial) -> dict[str, Any]:
    """Do it; the answer is kept on disk before it is handed back, so that a kill of the asker loses nothing."""
    begun, threads = time.monotonic(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        limit = trial.config.cache_gb
        material = open_set(trial.data, trial.seed, limit)
        crops = held_out(trial.data, trial.seed, trial.rule, limit)
        rest, _ = material.parted(trial.seed)
        net = narrowed(load_file(trial.weights), trial.before, trial.spec)
        task = task_of(material, trial.config, trial.spec)
        result = train(
            net,
            task,
            material.loader(rest, trial.config, trial.rule),
            trial.config,
            spec=trial.spec.to_json(),
            resolution=trial.spec.resolution,
        )
        found = evaluate(eager(net), batches_of(crops), task, seed=trial.seed)
    finally:
        torch.set_num_threads(threads)
    save_state(net.state_dict(), trial.state)
    if trial.maker is not None and trial.file is not None:
        trial.file.parent.mkdir(exist_ok=True)
        trial.maker(deployed(trial.spec), trial.file)
    answer = {
        "accuracy": float(found.metrics[task.score_name]),
        "pictures": result.pictures,
        "seconds": time.monotonic() - begun,
    }
    write_json(trial.out, answer)
    return answer


def narrowed(state: Mapping[str, Tensor], before: NetSpec, spec: NetSpec) -> Net:
    """A network with the weights of a wider one: of each narrower width the channels with the largest norms."""
    net = build(spec)
    net.load_state_dict(transplant(state, before, spec).state)
    return net


def save_state(state: Mapping[str, Tensor], path: Path) -> None:
    """Write weights as safetensors, whole or not at all."""
    with atomic_file(path) as temporary:
        save_file({key: tensor.detach().contiguous() for key, tensor in state.items()}, temporary)


def short(base: TrainConfig, pictures: int) -> TrainConfig:
    """A recipe for a few steps: at a trained backbone's rate throughout, with nothing that takes long to settle."""
    rate = base.optim.learning_rate * min(base.optim.backbone_rate, _GENTLE)
    return replace(
        base,
        pictures=pictures,
        optim=replace(base.optim, learning_rate=rate, backbone_rate=1.0),
        schedule=ScheduleConfig(name="constant", warmup_pictures=0),
        ema_decay=None,
        norm_momentum=max(_NORM_MOMENTUM, base.norm_momentum or 0.0),
        frozen_pictures=0,
        resolution_steps=(1.0,),
        evaluate_every_pictures=None,
        replicas=1,
        workers=0,
    )


@lru_cache(maxsize=1)
def open_set(data: str, seed: int, cache_gb: float) -> Material:
    """The set with its pictures decoded, once a process."""
    return open_material(data, seed=seed, cache_gb=cache_gb)


@lru_cache(maxsize=1)
def held_out(data: str, seed: int, rule: Preprocessing, cache_gb: float) -> Crops:
    """The part of train that scores proposals, cropped once a process."""
    material = open_set(data, seed, cache_gb)
    return material.crops(material.parted(seed)[1], rule)
