"""What the report draws: curves of a training, and the candidates of a search."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a training plot: ``xs`` ascend, and ``ys`` has one number for each."""

    label: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]

    def __post_init__(self) -> None:
        assert len(self.xs) == len(self.ys), f"curve {self.label!r}: {len(self.xs)} xs, {len(self.ys)} ys"


@dataclass(frozen=True, kw_only=True)
class CurvePanel:
    """Curves that share both axes, for example the loss in training and on held-out pictures."""

    title: str
    curves: tuple[Curve, ...]
    x_label: str = "pictures trained"
    as_percent: bool = False


@dataclass(frozen=True, kw_only=True)
class SearchPoint:
    """A candidate of a search after its short training.

    Args:
        by: The strategy that proposed it.
        ms: Latency as estimated.
        on_front: Whether no other candidate is both faster and more accurate.
        low: Lower end of the accuracy's 95 % interval; None where it is not known.
        high: Upper end.
    """

    name: str
    by: str
    ms: float
    accuracy: float
    on_front: bool
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class SearchFacts:
    """What a search did.

    Args:
        metric: Name of the figure as readers see it.
        lines: One sentence or two each.
        points: Every candidate, in the order tried.
        best_so_far: The best figure after so many candidates, a curve for each strategy.
    """

    metric: str
    lines: tuple[str, ...]
    points: tuple[SearchPoint, ...]
    best_so_far: CurvePanel
