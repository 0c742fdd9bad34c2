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
        loss: Name of a loss among the metrics that tells networks apart better than the figure does on few pictures
            (``benchmarks/proxy_signal.py``); None where there is none.
    """

    key: str
    label: str
    loss: str | None = None

    @property
    def order(self) -> str:
        """What networks are put in order by, as people write it."""
        return self.label if self.loss is None else self.loss.replace("_", " ")

    def merit(self, metrics: Mapping[str, Any]) -> float:
        """What networks are put in order by, the best highest: the loss with its sign turned, or the figure itself."""
        return float(metrics[self.key]) if self.loss is None else -float(metrics[self.loss])


_BY_TASK: Final[Mapping[str, Figure]] = MappingProxyType(
    {
        "classification": Figure("top1", "top-1", loss="log_loss"),
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
