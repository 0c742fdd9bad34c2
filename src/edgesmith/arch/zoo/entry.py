"""What a zoo file says of each of its names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgesmith.arch.spec import NetSpec


@dataclass(frozen=True, kw_only=True)
class Published:
    """One variant of a name, and the accuracy that a publication gives for it.

    Args:
        top1: Share of pictures whose first class is right, 0..1; None where nobody has published one.
        source: Where the figure stands; empty where there is none.
        options: The variant, as it is written behind the name: ``width=0.75,resolution=192``; empty for the name alone.
        data: The pictures that it was measured on.
        miou: Mean intersection over union of a segmenter, 0..1.
        mean_ap: Mean average precision of a detector over the thresholds .5 to .95, 0..1.
    """

    top1: float | None = None
    source: str
    options: str = ""
    data: str = "ImageNet"
    miou: float | None = None
    mean_ap: float | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One zoo name.

    Args:
        make: Makes the spec; its keyword arguments are the options that the name takes beside the common ones.
        published: Accuracies from publications, that of the name alone first.
    """

    make: Callable[..., NetSpec]
    published: tuple[Published, ...] = ()


def by_width(source: str, figures: dict[float, float]) -> tuple[Published, ...]:
    """Top-1 by width multiplier, that of width 1 first."""
    order = sorted(figures, key=lambda width: (width != 1, -width))
    return tuple(
        Published(options="" if width == 1 else f"width={width:g}", top1=figures[width], source=source)
        for width in order
    )
