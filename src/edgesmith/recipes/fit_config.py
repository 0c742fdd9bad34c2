"""What is asked of a fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """What is asked of a fit; all that decides its result.

    Attributes:
        data: As DATA of the command line.
        budget: Latency with a unit, such as ``5ms``.
        device: One device, as typed.
        effort: ``quick``, ``standard`` or ``thorough``.
        time: Another limit of time, such as ``40m``; None for the effort's.
        recipe: Name of the training recipe; None takes ``finetune`` where there are weights, else ``small``.
        settings: ``key=value`` settings of the recipe.
        weights: What candidates begin with: see `edgesmith.recipes.start.open_start`.
        resolution: Only this input size in pixels; None tries several.
        seed: Decides splits, weights, order and augmentation.
    """

    data: str
    budget: str
    device: str = "onnxruntime"
    effort: str = "standard"
    time: str | None = None
    recipe: str | None = None
    settings: tuple[str, ...] = ()
    weights: str = "auto"
    resolution: int | None = None
    seed: int = 0
