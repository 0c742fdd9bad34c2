"""Training recipes by name: functions that return a complete config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec
from edgesmith.data.augment import AugmentConfig
from edgesmith.engine.config import OptimConfig, ScheduleConfig, TrainConfig

_SMALLEST_MAP: Final = 4  # pixels a side before the global mean; below, a net answers for one resolution only


def paper() -> TrainConfig:
    """The recipe of MobileNetV3, for a set of ImageNet's size.

    Published: RMSProp with momentum 0.9, rate 0.1 at batch 4096 (128 a chip), L2 of 1e-5, averaged weights at 0.9999,
    "a learning rate decay rate of 0.01 every 3 epochs", Inception preprocessing; dropout 0.2 is part of the net.

    Ours, because it is not published: the rate is read as multiplied by 0.99 every 3 epochs (by 0.01 would end the
    training), and scaled in proportion to the batch; 300 epochs of ImageNet's 1,281,167 pictures; five epochs of
    warm-up; RMSProp's decay of 0.9 and epsilon of 0.0316 (TensorFlow's 0.001 inside the root); the strength of the
    colour jitter; no label smoothing; no L2 on norms and biases.

    Paper: MobileNetV3, section 6.1.
    """
    imagenet = 1_281_167
    return TrainConfig(
        pictures=300 * imagenet,
        batch_size=128,
        optim=OptimConfig(
            name="rmsprop",
            learning_rate=0.1,
            reference_batch_size=4096,
            weight_decay=1e-5,
            momentum=0.9,
            square_decay=0.9,
            epsilon=0.0316,
        ),
        schedule=ScheduleConfig(name="exponential", warmup_pictures=5 * imagenet, decay=0.99, every_epochs=3.0),
        label_smoothing=0.0,
        ema_decay=0.9999,
        evaluate_every_pictures=imagenet,
        checkpoint_every_seconds=600.0,
        augment=AugmentConfig(scale=(0.05, 1.0), policy="jitter", jitter=0.4),
    )


def torchvision() -> TrainConfig:
    """The reference recipe of torchvision's first weights of MobileNetV3, for a set of ImageNet's size.

    Published: RMSProp with momentum 0.9, rate 0.064 at batch 1024 (8 x 128), multiplied by 0.973 every 2 epochs, 600
    epochs, L2 of 1e-5, AutoAugment, erasing of one picture in five; dropout 0.2 is part of the net.

    Ours: a batch of 128 with the rate in proportion; the weights of the end, where torchvision took the mean of the
    last three checkpoints that improved; RMSProp's decay and epsilon as in `paper`; no L2 on norms and biases.
    """
    base = paper()
    imagenet = base.evaluate_every_pictures or 1
    return replace(
        base,
        pictures=600 * imagenet,
        optim=replace(base.optim, learning_rate=0.064, reference_batch_size=1024),
        schedule=ScheduleConfig(name="exponential", warmup_pictures=0, decay=0.973, every_epochs=2.0),
        ema_decay=None,
        augment=AugmentConfig(scale=(0.08, 1.0), policy="auto", erase=0.2),
    )


def timm() -> TrainConfig:
    """The recipe of timm's weights ``ra_in1k`` of MobileNetV3-Large, for a set of ImageNet's size.

    Published: RMSProp as TensorFlow has it with epsilon 0.001, rate 0.064 at batch 1024, multiplied by 0.973 every 2.4
    epochs, 600 epochs, L2 of 1e-5, averaged weights at 0.9999, RandAugment of magnitude 9, one picture in five erased
    with noise; dropout 0.2 is part of the net.

    Ours: a batch of 128 with the rate in proportion; a warm-up of five epochs. Not here: noise on the rate from 0.42
    to 0.9 of the run, drop path 0.2, and noise on RandAugment's magnitude.
    """
    base = torchvision()
    imagenet = base.evaluate_every_pictures or 1
    return replace(
        base,
        schedule=ScheduleConfig(name="exponential", warmup_pictures=5 * imagenet, decay=0.973, every_epochs=2.4),
        ema_decay=0.9999,
        augment=AugmentConfig(scale=(0.08, 1.0), policy="rand", erase=0.2, erase_noise=True),
    )


def small() -> TrainConfig:
    """From scratch on a few thousand pictures, where a run has too few steps for large-scale habits.

    Norms average over a tenth of the newest batch and weights over some hundred steps, so that both have settled at
    the end of a short run; strong decoupled decay and a gentle crop take the place of more pictures. Training sees
    four fifths of the resolution: random crops enlarge objects, so that a net does better on larger pictures than it
    was trained on, and steps cost a third less. Two threads share a step, and two processes prepare pictures, so that
    both threads give up as much of their cores and neither waits long for the other.
    """
    return TrainConfig(
        pictures=200_000,
        batch_size=64,
        optim=OptimConfig(name="adamw", learning_rate=2e-3, weight_decay=0.05),
        schedule=ScheduleConfig(name="cosine", warmup_pictures=3000),
        label_smoothing=0.1,
        ema_decay=0.998,
        norm_momentum=0.1,
        resolution_steps=(0.8,),
        replicas=2,
        workers=2,
        augment=AugmentConfig(scale=(0.3, 1.0), flip=0.5, policy="jitter", jitter=0.3),
    )


def finetune() -> TrainConfig:
    """From trained weights on a few thousand pictures.

    First only the new head learns, so that its random gradients spoil nothing; then the backbone joins in at a third
    of the rate. Otherwise as `small`, at the net's full resolution and with less decay.
    """
    base = small()
    return replace(
        base,
        pictures=60_000,
        optim=replace(base.optim, learning_rate=1e-3, weight_decay=0.02, backbone_rate=0.3),
        schedule=replace(base.schedule, warmup_pictures=1000),
        frozen_pictures=3000,
        resolution_steps=(1.0,),
        augment=replace(base.augment, scale=(0.4, 1.0)),
    )


def dense() -> TrainConfig:
    """From scratch on some hundreds of pictures with an answer for every place.

    A picture holds as many answers as pixels, so that batches are small and steps many; crops go down to a quarter of
    the picture, which is what scaling by up to two is.
    """
    base = small()
    return replace(
        base,
        pictures=30_000,
        batch_size=8,
        optim=replace(base.optim, learning_rate=1e-3),
        schedule=replace(base.schedule, warmup_pictures=800),
        label_smoothing=0.0,
        resolution_steps=(1.0,),
        augment=replace(base.augment, scale=(0.25, 1.0)),
    )


def dense_finetune() -> TrainConfig:
    """As `dense`, from trained weights: the head learns alone for a little, then all at a gentler rate."""
    return _from_weights(dense())


def boxes() -> TrainConfig:
    """From scratch on some hundreds of pictures with boxes; crops are SSD's, drawn by their overlap with a box."""
    base = small()
    return replace(
        base,
        pictures=60_000,
        batch_size=16,
        optim=replace(base.optim, learning_rate=1e-3),
        schedule=replace(base.schedule, warmup_pictures=1600),
        label_smoothing=0.0,
        resolution_steps=(1.0,),
    )


def boxes_finetune() -> TrainConfig:
    """As `boxes`, from trained weights."""
    return _from_weights(boxes())


def _from_weights(base: TrainConfig) -> TrainConfig:
    """The head learns alone for a little, then all at a gentler rate; half the warm-up is enough."""
    return replace(
        base,
        optim=replace(base.optim, weight_decay=0.02, backbone_rate=0.5),
        schedule=replace(base.schedule, warmup_pictures=base.schedule.warmup_pictures // 2),
        frozen_pictures=800,
    )


def quantize() -> TrainConfig:
    """For int8, from a net's own weights: a few epochs that let them settle where rounding does no harm.

    Head and backbone learn alike, at a fifth of `finetune`'s rate for a head; norms keep the net's own momentum,
    because their statistics have settled already. Values are rounded in full precision, at the net's own resolution.
    """
    return _for_int8(finetune(), pictures=30_000)


def dense_quantize() -> TrainConfig:
    """As `quantize`, for pictures with an answer for every place."""
    return _for_int8(dense_finetune(), pictures=6_000)


def boxes_quantize() -> TrainConfig:
    """As `quantize`, for pictures with boxes."""
    return _for_int8(boxes_finetune(), pictures=12_000)


def _for_int8(base: TrainConfig, *, pictures: int) -> TrainConfig:
    return replace(
        base,
        pictures=pictures,
        optim=replace(base.optim, learning_rate=2e-4, weight_decay=0.01, backbone_rate=1.0),
        frozen_pictures=0,
        norm_momentum=None,
        precision="32",
    )


RECIPES: Final[Mapping[str, Callable[[], TrainConfig]]] = MappingProxyType(
    {
        "paper": paper,
        "torchvision": torchvision,
        "timm": timm,
        "small": small,
        "finetune": finetune,
        "dense": dense,
        "dense_finetune": dense_finetune,
        "boxes": boxes,
        "boxes_finetune": boxes_finetune,
        "quantize": quantize,
        "dense_quantize": dense_quantize,
        "boxes_quantize": boxes_quantize,
    }
)


def for_net(config: TrainConfig, spec: NetSpec) -> TrainConfig:
    """The recipe as it suits a net: one without norms learns gently, one whose last map is tiny at full resolution.

    SqueezeNet stays at chance under a rate that nets with norms thrive on: it begins gently and learns at an eighth of
    the rate. MobileNetV2 at 64 pixels ends in a map of 2x2, where every pixel touches the border: trained at 48
    pixels it was right on 74 % of small pictures, and on 50 % at 64.
    """
    network = trace_network(spec)
    last = network.blocks[-1].operations[-1].output
    if min(last.height, last.width) < _SMALLEST_MAP:
        config = replace(config, resolution_steps=(1.0,))
    if any(key.endswith("norm.weight") for key in network.tensors()):
        return config
    return replace(
        config,
        optim=replace(config.optim, learning_rate=config.optim.learning_rate / 8),
        schedule=replace(config.schedule, warmup_pictures=3 * config.schedule.warmup_pictures),
    )
