"""What a training run is asked to do, as frozen data that a run folder keeps.

Everything that decides the result counts pictures or steps, never seconds: a run that is slower, or that was killed
and started again, ends with the same weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.core.table import unknown
from edgesmith.data.augment import AugmentConfig

OPTIMIZERS = ("adamw", "rmsprop", "sgd")
SCHEDULES = ("constant", "cosine", "exponential")
PRECISIONS = ("auto", "32", "bf16", "16")
USES = ("last", "best")
FREE_KEYS: Final = frozenset({"workers", "cache_gb", "checkpoint_every_seconds", "log_every_steps"})
"""Settings that decide nothing of the result: a run may go on with others."""
MENDING_KEYS: Final = frozenset({"optim.learning_rate", "max_grad_norm", "precision"})
"""Settings that a run which diverged may go on with others of."""


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """How weights follow gradients.

    Attributes:
        name: ``adamw``, ``rmsprop`` or ``sgd``.
        learning_rate: Highest rate of the schedule.
        reference_batch_size: Batch that ``learning_rate`` is meant for; the rate is scaled in proportion to the batch
            in use. None leaves the rate as it is.
        weight_decay: Decoupled for AdamW, an L2 term for the others; norms and biases are left out.
        momentum: Of SGD and RMSProp, 0..1.
        betas: Decay of AdamW's mean of gradients and of their squares, each 0..1.
        square_decay: Decay of RMSProp's mean of squares, 0..1.
        epsilon: Added to the root of the mean square.
        backbone_rate: Share of the rate that everything before the head learns with, for weights that know something.
    """

    name: str = "adamw"
    learning_rate: float = 2e-3
    reference_batch_size: int | None = None
    weight_decay: float = 0.05
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    square_decay: float = 0.9
    epsilon: float = 1e-8
    backbone_rate: float = 1.0

    def __post_init__(self) -> None:
        _require_choice(self.name, OPTIMIZERS, "optim.name")
        _require(self.learning_rate > 0, "optim.learning_rate", "more than 0", self.learning_rate)
        _require(self.weight_decay >= 0, "optim.weight_decay", "0 or more", self.weight_decay)
        _require(0 <= self.momentum < 1, "optim.momentum", "from 0 to below 1", self.momentum)
        _require(self.epsilon > 0, "optim.epsilon", "more than 0", self.epsilon)
        _require(self.backbone_rate >= 0, "optim.backbone_rate", "0 or more", self.backbone_rate)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """How the learning rate moves over the run; a function of the step number alone.

    Attributes:
        name: ``cosine`` (to zero at the end), ``exponential`` (a factor every few epochs) or ``constant``.
        warmup_pictures: Pictures over which the rate climbs in a line from near zero; at most a fifth of the run.
        decay: Factor of the exponential schedule, 0..1.
        every_epochs: Epochs between two such factors.
    """

    name: str = "cosine"
    warmup_pictures: int = 3000
    decay: float = 0.99
    every_epochs: float = 3.0

    def __post_init__(self) -> None:
        _require_choice(self.name, SCHEDULES, "schedule.name")
        _require(self.warmup_pictures >= 0, "schedule.warmup_pictures", "0 or more", self.warmup_pictures)
        _require(0 < self.decay <= 1, "schedule.decay", "above 0 and at most 1", self.decay)
        _require(self.every_epochs > 0, "schedule.every_epochs", "more than 0", self.every_epochs)


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """How a student learns from its teacher, where it has one.

    Attributes:
        share: Of the loss that asks for the teacher's answers; the rest asks for the labels. 0..1.
        temperature: Divides both nets' logits before they are compared: higher ones show more of what the teacher
            thinks of the other classes.
    """

    share: float = 0.7
    temperature: float = 2.0

    def __post_init__(self) -> None:
        _require(0 < self.share <= 1, "distill.share", "above 0 and at most 1", self.share)
        _require(self.temperature > 0, "distill.temperature", "more than 0", self.temperature)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run.

    Attributes:
        pictures: Pictures seen in all, repeats counted.
        batch_size: Pictures a step.
        optim: Optimiser.
        schedule: Learning rate over the run.
        label_smoothing: Share of the target spread over all classes, 0..1.
        class_weights: Weigh classes by the inverse of their number of pictures.
        ema_decay: Decay of the averaged weights, which are then the ones to use; None keeps no average.
        max_grad_norm: L2 bound on all gradients together; None turns clipping off.
        precision: ``32``, ``bf16``, ``16`` (both mixed), or ``auto``: mixed where the device gains by it.
        group_lasso: Strength of CondenseNet's regulariser of learned groups; 0 turns it off.
        norm_momentum: Share of the newest batch in the norms' running statistics; None keeps the net's own.
        frozen_pictures: Pictures in the beginning during which only the head learns.
        resolution_steps: Shares of the net's resolution, over equal parts of the run; ``0.6,0.8,1.0`` starts small.
            A share may repeat. Sides are rounded to multiples of 16.
        compile: Let torch.compile make kernels for the net, where it is trained on a GPU.
        use: Whose weights a run ends with: ``last``, or ``best`` on the held-out part, which needs evaluations.
        evaluate_every_pictures: Pictures between two evaluations on the held-out part; None evaluates at the end only.
        checkpoint_every_seconds: Longest time whose work a kill may cost.
        log_every_steps: Steps between two entries of the loss in the run's events.
        max_bad_steps: Steps in a row without a finite loss and gradient after which the run stops.
        replicas: Threads that share a step on a CPU, each with its part of the batch; part of the result, because norms
            see the parts. See `edgesmith.engine.replicas`.
        workers: Processes that prepare pictures; 0 prepares them in the training process.
        cache_gb: Memory for decoded training pictures, in gigabytes a process; those beyond it are decoded at each use.
        seed: Decides initial weights, order, augmentation and dropout.
        augment: Random changes of the training pictures.
        distill: How much a teacher counts; without one it says nothing.
    """

    pictures: int = 200_000
    batch_size: int = 64
    optim: OptimConfig = field(default_factory=OptimConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    label_smoothing: float = 0.1
    class_weights: bool = False
    ema_decay: float | None = 0.999
    max_grad_norm: float | None = None
    precision: str = "auto"
    group_lasso: float = 0.0
    norm_momentum: float | None = None
    frozen_pictures: int = 0
    resolution_steps: tuple[float, ...] = (1.0,)
    compile: bool = False
    use: str = "last"
    evaluate_every_pictures: int | None = None
    checkpoint_every_seconds: float = 60.0
    log_every_steps: int = 10
    max_bad_steps: int = 5
    replicas: int = 1
    workers: int = 0
    cache_gb: float = 4.0
    seed: int = 0
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)

    def __post_init__(self) -> None:
        for name in ("pictures", "batch_size", "replicas", "log_every_steps", "max_bad_steps"):
            _require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        _require(0 <= self.label_smoothing < 1, "label_smoothing", "from 0 to below 1", self.label_smoothing)
        _require_choice(self.precision, PRECISIONS, "precision")
        _require_choice(self.use, USES, "use")
        _require(_is_none_or_inside(self.ema_decay, 0, 1), "ema_decay", "between 0 and 1, or none", self.ema_decay)
        _require(
            _is_none_or_inside(self.max_grad_norm, 0, math.inf), "max_grad_norm", "above 0, or none", self.max_grad_norm
        )
        _require(
            self.norm_momentum is None or 0 < self.norm_momentum <= 1,
            "norm_momentum",
            "above 0 and at most 1, or none",
            self.norm_momentum,
        )
        _require(
            len(self.resolution_steps) > 0 and all(0 < step <= 1 for step in self.resolution_steps),
            "resolution_steps",
            "one or more shares above 0 and at most 1",
            self.resolution_steps,
        )
        _require(
            self.evaluate_every_pictures is None or self.evaluate_every_pictures >= 1,
            "evaluate_every_pictures",
            "at least 1, or none",
            self.evaluate_every_pictures,
        )
        _require(self.group_lasso >= 0, "group_lasso", "0 or more", self.group_lasso)
        _require(self.frozen_pictures >= 0, "frozen_pictures", "0 or more", self.frozen_pictures)
        _require(self.workers >= 0, "workers", "0 or more", self.workers)
        _require(self.cache_gb >= 0, "cache_gb", "0 or more", self.cache_gb)


def _is_none_or_inside(value: float | None, low: float, high: float) -> bool:
    return value is None or low < value < high


def _require(holds: bool, key: str, wanted: str, value: object) -> None:
    if not holds:
        raise UsageError(f"{key} must be {wanted}, got {value}")


def _require_choice(value: str, choices: tuple[str, ...], key: str) -> None:
    if value not in choices:
        raise unknown(value, choices, what=key)
