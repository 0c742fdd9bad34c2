"""Command lines of torchvision's and timm's training scripts for MobileNetV3-Small, and what they print.

The scripts are not part of either package: torchvision's is `references/classification/train.py` of its source, timm's
is `train.py` of pytorch-image-models. Both are run as they are, under the recipes that they are published with for
MobileNetV3; what is per epoch of 600 there is kept in proportion to the epochs of a short run.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

PUBLISHED_EPOCHS: Final = 600
RATE_AT_1024: Final = 0.064
DECAY: Final = 0.973


@dataclass(frozen=True, kw_only=True)
class Script:
    """One run of a script.

    Attributes:
        path: The script.
        data: Folder with ``train/CLASS`` and ``val/CLASS``.
        side: Height and width that the net sees, in pixels.
        batch_size: Pictures in a step.
        workers: Processes that prepare pictures.
        epochs: Passes over train.
        classes: Number of them.
        seed: Where the script takes one.
        out: Folder of what it writes.
        augment: Whether with the recipe's augmentation, or with crops and flips alone.
    """

    path: Path
    data: Path
    side: int
    batch_size: int
    workers: int
    epochs: int
    classes: int
    seed: int
    out: Path
    augment: bool

    @property
    def rate(self) -> float:
        """The published learning rate in proportion to the batch."""
        return RATE_AT_1024 * self.batch_size / 1024


def torchvision_command(script: Script) -> list[str]:
    """RMSProp, a rate multiplied by 0.973 every 2 of 600 epochs, L2, AutoAugment, one picture in five erased."""
    more = ["--auto-augment", "imagenet", "--random-erase", "0.2"] if script.augment else []
    resize = round(script.side * 256 / 224)
    return [
        *(sys.executable, str(script.path), "--data-path", str(script.data), "--output-dir", str(script.out)),
        *("--model", "mobilenet_v3_small", "--device", "cpu", "--workers", str(script.workers)),
        *("--batch-size", str(script.batch_size), "--epochs", str(script.epochs), "--print-freq", "1000"),
        *("--opt", "rmsprop", "--lr", str(script.rate), "--wd", "0.00001", "--lr-step-size", "1"),
        *("--lr-gamma", str(DECAY ** (PUBLISHED_EPOCHS / 2 / script.epochs))),
        *("--train-crop-size", str(script.side), "--val-crop-size", str(script.side)),
        *("--val-resize-size", str(resize), *more),
    ]


def timm_command(script: Script) -> list[str]:
    """RMSProp as TensorFlow has it, averaged weights, RandAugment, erasing with noise, noise on the rate."""
    more = ["--aa", "rand-m9-mstd0.5", "--remode", "pixel", "--reprob", "0.2", "--drop", "0.2"]
    plain = ["--color-jitter", "0", "--train-interpolation", "bilinear"]
    return [
        *(sys.executable, str(script.path), "--data-dir", str(script.data), "--output", str(script.out)),
        *("--model", "mobilenetv3_small_100", "--device", "cpu", "--channels-last", "--workers", str(script.workers)),
        *("--num-classes", str(script.classes), "--seed", str(script.seed), "--val-split", "val"),
        *("--batch-size", str(script.batch_size), "--epochs", str(script.epochs), "--log-interval", "1000"),
        *("--opt", "rmsproptf", "--opt-eps", "0.001", "--lr", str(script.rate), "--warmup-lr", "1e-6"),
        *("--sched", "step", "--decay-rate", str(DECAY), "--weight-decay", "1e-5", "--lr-noise", "0.42", "0.9"),
        *("--decay-epochs", str(2.4 * script.epochs / PUBLISHED_EPOCHS), "--sched-on-updates"),
        *("--warmup-epochs", str(round(5 * script.epochs / PUBLISHED_EPOCHS)), "--checkpoint-hist", "1"),
        *("--model-ema", "--model-ema-decay", "0.9999", "--input-size", "3", str(script.side), str(script.side)),
        *("--val-interval", str(script.epochs), *(more if script.augment else plain)),
    ]


def torchvision_score(printed: str) -> float:
    """Top-1 after the last epoch, from 0 to 1."""
    return float(re.findall(r"^Test:\s+Acc@1 ([\d.]+)", printed, flags=re.MULTILINE)[-1]) / 100


def timm_score(printed: str) -> float:
    """Top-1 after the last epoch, of the weights or of their average, whichever is higher; from 0 to 1."""
    last = {}
    for name, top1 in re.findall(r"Test( \(EMA\))?:.*Acc@1:\s+[\d.]+ \(\s*([\d.]+)\)", printed):
        last[name] = float(top1) / 100
    return max(last.values())


Command = Callable[[Script], list[str]]
Score = Callable[[str], float]
SCRIPTS: Final[Mapping[str, tuple[Command, Score]]] = MappingProxyType(
    {"torchvision": (torchvision_command, torchvision_score), "timm": (timm_command, timm_score)}
)
