"""Everything that moves while a net is trained, and its way into a checkpoint and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from edgesmith.core.config import flat, to_dict
from edgesmith.core.errors import RunError
from edgesmith.engine.checkpoint import Checkpoint
from edgesmith.engine.config import FREE_KEYS, MENDING_KEYS, TrainConfig
from edgesmith.engine.ema import WeightAverage
from edgesmith.engine.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Best:
    """The evaluation with the highest score so far."""

    step: int
    score: float
    weights: str


@dataclass(kw_only=True)
class TrainState:
    """A run between two steps.

    Attributes:
        net: On its device.
        optimizer: Over the net's parameters.
        average: Averaged weights, or None where the run keeps none.
        scaler: Scales the loss of 16-bit runs, else None.
        step: Steps done, skipped ones included.
        skipped_steps: Steps without a finite loss and gradient; they changed nothing.
        bad_steps_in_a_row: Such steps since the last good one.
        seconds: Time spent so far, in all processes of the run.
        best: The best evaluation so far, or None before the first.
    """

    net: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    scaler: torch.amp.GradScaler | None = None
    step: int = 0
    skipped_steps: int = 0
    bad_steps_in_a_row: int = 0
    seconds: float = 0.0
    best: Best | None = None
    _names: dict[Tensor, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._names = {parameter: name for name, parameter in self.net.named_parameters()}

    def capture(self, *, spec: Mapping[str, Any], plan: Plan) -> Checkpoint:
        """The state as plain tensors and values; the tensors are views, to be written before the next step.

        Args:
            spec: The net's spec as JSON.
            plan: Gives config, position and the rate of the coming step.
        """
        epoch, batch = plan.position_at(self.step)
        optimizer_tensors, optimizer_values = self._optimizer_state()
        tensors = {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.net.state_dict().items()}
        state = {
            "spec": dict(spec),
            "config": to_dict(plan.config),
            "step": self.step,
            "position": {"epoch": epoch, "batch": batch},
            "seed": plan.config.seed,
            "learning_rate": plan.rate_at(self.step),
            "skipped_steps": self.skipped_steps,
            "bad_steps_in_a_row": self.bad_steps_in_a_row,
            "seconds": self.seconds,
            "best": None if self.best is None else to_dict(self.best),
            "average_updates": None if self.average is None else self.average.num_updates,
            "optimizer": optimizer_values,
            "scaler": None if self.scaler is None else self.scaler.state_dict(),
            "versions": {package: version(package) for package in ("torch", "safetensors")},
        }
        return Checkpoint(tensors=tensors | optimizer_tensors, state=state)

    def restore_(self, checkpoint: Checkpoint) -> None:
        """Put the run back to the moment of the checkpoint."""
        state, tensors = checkpoint.state, checkpoint.tensors
        copy_(self.net, tensors, prefix="net.")
        if self.average is not None:
            copy_(self.average.net, tensors, prefix="average.")
            self.average.num_updates = int(state["average_updates"])
        self._restore_optimizer_(tensors, state["optimizer"])
        if self.scaler is not None and state["scaler"]:
            self.scaler.load_state_dict(dict(state["scaler"]))
        self.step = int(state["step"])
        self.skipped_steps = int(state["skipped_steps"])
        self.bad_steps_in_a_row = int(state["bad_steps_in_a_row"])
        self.seconds = float(state["seconds"])
        self.best = Best(**state["best"]) if state["best"] else None

    def _optimizer_state(self) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
        tensors: dict[str, Tensor] = {}
        values: dict[str, dict[str, Any]] = {}
        for parameter, entries in self.optimizer.state.items():
            name = self._names[parameter]
            for key, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{name}.{key}"] = value
                else:
                    values.setdefault(name, {})[key] = value
        return tensors, values

    def _restore_optimizer_(self, tensors: Mapping[str, Tensor], values: Mapping[str, Mapping[str, Any]]) -> None:
        self.optimizer.state.clear()
        for parameter, name in self._names.items():
            prefix = f"optimizer.{name}."
            entries: dict[str, Any] = dict(values.get(name, {}))
            for full, tensor in tensors.items():
                key = full.removeprefix(prefix)
                if full.startswith(prefix) and "." not in key:
                    entries[key] = self._place(parameter, tensor)
            if entries:
                self.optimizer.state[parameter] = entries

    def _place(self, parameter: Tensor, value: Tensor) -> Tensor:
        """``value`` as the optimiser keeps it: fused ones walk it and the parameter as flat memory of one layout."""
        if value.shape == parameter.shape:
            return torch.empty_like(parameter, dtype=value.dtype).copy_(value).detach()
        return value.to(parameter.device) if self.optimizer.defaults.get("fused") else value


def require_same_run(checkpoint: Checkpoint, *, spec: Mapping[str, Any], config: TrainConfig) -> tuple[str, ...]:
    """Refuse a checkpoint of another net or of other settings.

    Returns:
        Where the run had diverged, the settings that were changed to mend it, each with both values.

    Raises:
        RunError: One line that names both.
    """
    stored, wanted = checkpoint.state["spec"], _as_json(spec)
    if stored != wanted:
        raise RunError(
            f"the checkpoint is of {_label(stored)}, this run trains {_label(wanted)}; "
            f"give another --out folder, or --overwrite to start anew"
        )
    theirs, ours = flat(checkpoint.state["config"]), flat(_as_json(to_dict(config)))
    changed = [key for key in ours if key not in FREE_KEYS and theirs.get(key) != ours[key]]
    mends = [key for key in changed if key in MENDING_KEYS and checkpoint.has_diverged]
    for key in changed:
        if key in mends:
            continue
        raise RunError(
            f"the checkpoint was trained with {key}={theirs.get(key)}, this run asks for {key}={ours[key]}; "
            f"give another --out folder, or --overwrite to start anew"
        )
    return tuple(f"{key}={ours[key]}, before {theirs.get(key)}" for key in mends)


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(dict(values)))
    return plain


def _label(spec: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:12]
    return f"{spec.get('name', 'a net')} ({digest})"


@torch.no_grad()
def copy_(net: nn.Module, tensors: Mapping[str, Tensor], *, prefix: str) -> None:
    """Copy in place, which keeps each tensor's memory layout and identity."""
    for name, tensor in net.state_dict().items():
        tensor.copy_(tensors[prefix + name])
