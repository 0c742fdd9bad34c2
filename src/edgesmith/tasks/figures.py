"""The one figure by which a task's networks are compared, and how people call it; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True)
class Figure:
    """A figure of a metric.

    Attributes:
        key: Its name among the metrics; ``KEY_low`` and ``KEY_high`` are the ends of its interval.
        label: As people write it.
    """

    key: str
    label: str


_BY_TASK: Final[Mapping[str, Figure]] = MappingProxyType(
    {
        "classification": Figure("top1", "top-1"),
        "segmentation": Figure("miou", "mIoU"),
        "detection": Figure("map", "mAP"),
    }
)
FIGURES: Final = tuple(_BY_TASK.values())


def figure_for(task: str) -> Figure:
    """The figure of a task."""
    return _BY_TASK[task]


def figure_of(metrics: Mapping[str, Any]) -> Figure | None:
    """The figure that these metrics are about; None where nothing was scored."""
    return next((figure for figure in FIGURES if figure.key in metrics), None)


def figure_words(metrics: Mapping[str, Any]) -> str:
    """``top-1 84.5% (95 % interval 81.0% to 88.0%) on 400 pictures of val``, as far as the metrics say it."""
    figure = figure_of(metrics)
    if figure is None:
        return "not scored"
    key = figure.key
    words = f"{figure.label} {metrics[key]:.1%}"
    if f"{key}_low" in metrics and f"{key}_high" in metrics:
        words += f" (95 % interval {metrics[f'{key}_low']:.1%} to {metrics[f'{key}_high']:.1%})"
    if "num_images" in metrics:
        words += f" on {metrics['num_images']} pictures of {metrics.get('split', 'the evaluation split')}"
    return words
