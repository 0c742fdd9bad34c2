"""Norm constants, dropout and initialisation, by the name of the code base that they come from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Preset(StrEnum):
    """Whose constants a network is built with.

    ``TORCHVISION`` is that library's MobileNetV3, ``TORCH`` the framework's own norms with torchvision's dropout for
    MobileNetV2 and MnasNet, ``PLAIN`` the same without dropout. ``DEEPLAB`` is for the heads of that code,
    ``TORCHVISION_HEAD`` for torchvision's LR-ASPP, whose norms differ from its backbone's, ``SSD`` for detectors.
    """

    PAPER = "paper"
    TORCHVISION = "torchvision"
    TIMM = "timm"
    TIMM_TF = "timm_tf"
    KERAS = "keras"
    TORCH = "torch"
    PLAIN = "plain"
    SQUEEZENET = "squeezenet"
    DEEPLAB = "deeplab"
    TORCHVISION_HEAD = "torchvision_head"
    SSD = "ssd"


class Init(StrEnum):
    """How weights start."""

    TRUNCATED_NORMAL = "truncated_normal"
    KAIMING_FAN_OUT = "kaiming_fan_out"
    KAIMING_FAN_OUT_GROUPED = "kaiming_fan_out_grouped"
    KAIMING_UNIFORM = "kaiming_uniform"
    NORMAL = "normal"


@dataclass(frozen=True, kw_only=True)
class Constants:
    """What a preset stands for.

    Args:
        norm_epsilon: Added to the variance.
        norm_momentum: Share of the newest batch in the running statistics (torch's meaning: 1 - decay).
        dropout: Probability of dropping a feature before the classifier.
        init: How weights start.
    """

    norm_epsilon: float
    norm_momentum: float
    dropout: float
    init: Init


PRESETS: Final[Mapping[Preset, Constants]] = MappingProxyType(
    {
        Preset.PAPER: Constants(norm_epsilon=1e-3, norm_momentum=0.01, dropout=0.2, init=Init.TRUNCATED_NORMAL),
        Preset.TORCHVISION: Constants(norm_epsilon=1e-3, norm_momentum=0.01, dropout=0.2, init=Init.KAIMING_FAN_OUT),
        Preset.TIMM: Constants(norm_epsilon=1e-5, norm_momentum=0.1, dropout=0.0, init=Init.KAIMING_FAN_OUT_GROUPED),
        Preset.TIMM_TF: Constants(norm_epsilon=1e-3, norm_momentum=0.1, dropout=0.0, init=Init.KAIMING_FAN_OUT_GROUPED),
        Preset.KERAS: Constants(norm_epsilon=1e-3, norm_momentum=0.001, dropout=0.2, init=Init.TRUNCATED_NORMAL),
        Preset.TORCH: Constants(norm_epsilon=1e-5, norm_momentum=0.1, dropout=0.2, init=Init.KAIMING_FAN_OUT),
        Preset.PLAIN: Constants(norm_epsilon=1e-5, norm_momentum=0.1, dropout=0.0, init=Init.KAIMING_FAN_OUT),
        Preset.SQUEEZENET: Constants(norm_epsilon=1e-5, norm_momentum=0.1, dropout=0.5, init=Init.KAIMING_UNIFORM),
        Preset.DEEPLAB: Constants(norm_epsilon=1e-5, norm_momentum=3e-4, dropout=0.1, init=Init.TRUNCATED_NORMAL),
        Preset.TORCHVISION_HEAD: Constants(
            norm_epsilon=1e-5, norm_momentum=0.1, dropout=0.1, init=Init.KAIMING_FAN_OUT
        ),
        Preset.SSD: Constants(norm_epsilon=1e-3, norm_momentum=0.03, dropout=0.0, init=Init.NORMAL),
    }
)
