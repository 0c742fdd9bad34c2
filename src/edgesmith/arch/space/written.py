"""A space in plain values, from which another process or machine makes the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.names import Padding
from edgesmith.arch.presets import Preset
from edgesmith.arch.space.endings.table import ENDINGS
from edgesmith.arch.space.parts import Side
from edgesmith.arch.space.presets import find_space, in_style
from edgesmith.arch.space.staged import StagedSpace

_SUFFIX: Final = "_space"


@dataclass(frozen=True, kw_only=True)
class WrittenSpace:
    """What `find_space` and `in_style` are told.

    Attributes:
        name: In the table of spaces.
        resolutions: Sides of the input, or heights and widths, in pixels.
        num_classes: Width of the answer.
        task: Whose heads the networks have.
        padding: How borders are filled.
        preset: Norm constants, dropout, initialisation.
    """

    name: str
    resolutions: tuple[Side, ...]
    num_classes: int
    task: str
    padding: Padding
    preset: Preset

    @classmethod
    def of(cls, space: StagedSpace) -> WrittenSpace:
        """Write down a space of the table."""
        frame, task = space.frame, Classifier.task
        if frame.ending is not None:
            task = next(name for name, make in ENDINGS.items() if make() == frame.ending)
        return cls(
            name=space.name.removesuffix(_SUFFIX),
            resolutions=frame.resolutions,
            num_classes=frame.num_classes,
            task=task,
            padding=frame.padding,
            preset=frame.preset,
        )

    def make(self) -> StagedSpace:
        """The space.

        Raises:
            UsageError: There is none of that name or task here.
        """
        space = find_space(self.name, resolutions=self.resolutions, num_classes=self.num_classes, task=self.task)
        return in_style(space, padding=self.padding, preset=self.preset)
