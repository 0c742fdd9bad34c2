"""The MobileNetV2 that takes as long as V3-Small: which it is on each device, and how far behind it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgesmith.arch.zoo.table import MODELS
from paper.nets import LADDER, ladder_name
from paper.published import ABSTRACT_POINTS, SMALL, TABLE_3, V2_SMALL
from paper.tables import NOT_YET, Column, markdown


@dataclass(frozen=True, kw_only=True)
class Step:
    """A V2 of the ladder on one device: its time over V3-Small's, and its published accuracy in per cent."""

    name: str
    ratio: float
    top1: float

    def describe(self) -> str:
        """``V2 0.5 at 160: 61.0 %, 0.954 of the time, 6.4 points behind``."""
        behind = TABLE_3[SMALL].top1 - self.top1
        return f"{self.name}: {self.top1:.1f} %, {self.ratio:.3f} of the time, {behind:.1f} points behind"


def published_top1() -> Mapping[str, float]:
    """Accuracy of each V2 of the ladder in per cent, from TensorFlow's README."""
    known = {each.options: each.top1 for each in MODELS["mobilenet_v2"].published}
    found = {}
    for options in LADDER:
        parts = [part for part in options.split(",") if part not in ("width=1.0", "resolution=224")]
        top1 = known[",".join(parts)]
        assert top1 is not None
        found[ladder_name(options)] = 100 * top1
    return found


def bracket(steps: Sequence[Step]) -> tuple[Step | None, Step | None]:
    """The most accurate V2 that takes no longer than V3-Small, and the quickest of those that are better still."""
    within = max((step for step in steps if step.ratio <= 1), key=lambda step: step.top1, default=None)
    worst = within.top1 if within else 0.0
    beyond = [step for step in steps if step.ratio > 1 and step.top1 > worst]
    return within, min(beyond, key=lambda step: step.ratio, default=None)


def bracket_table(found: Sequence[Column]) -> list[str]:
    """A line for each device."""
    accuracy = published_top1()
    lines = [["Pixel phones (abstract)", f"{V2_SMALL}: {ABSTRACT_POINTS} points behind", ""]]
    for column in found:
        ratios = {name: column.ratio(name) for name in accuracy}
        steps = [
            Step(name=name, ratio=ratio["ratio"], top1=accuracy[name])
            for name, ratio in ratios.items()
            if ratio is not None
        ]
        within, beyond = bracket(steps)
        told = f"{column.title}{column.star}"
        lines.append([told, *(step.describe() if step else "none on the ladder" for step in (within, beyond))])
    if not found:
        lines.append(["ours", NOT_YET, NOT_YET])
    return markdown(
        ["device", "most accurate V2 that takes no longer", "the next better one, which takes longer"], lines
    )
