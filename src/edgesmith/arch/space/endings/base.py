"""What every ending has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from edgesmith.arch.kinds.base import Block
from edgesmith.arch.space.choices import Choice
from edgesmith.arch.spec import NetSpec

Chosen: TypeAlias = Mapping[str, Any]
"""Options by the names of their choices."""

Edit: TypeAlias = Callable[[Block, int, int], Block]
"""A block with the strides of its input and output in the backbone as it was -> the block in the whole network."""


class Ending(Protocol):
    """The head of a task on a space's backbones; plain values, so that spaces travel between processes."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What there is to decide; the cheapest option of each comes first."""

    def finish(self, spec: NetSpec, chosen: Chosen) -> NetSpec:
        """A backbone, whatever its head, as a whole network of the task."""

    def edit(self, chosen: Chosen) -> Edit:
        """What `finish` makes of single blocks: how a network's backbone is recognised."""

    def read(self, spec: NetSpec) -> Iterator[Chosen]:
        """What may have been chosen for a network, as far as its head tells.

        Raises:
            SpecError: No choice gives this head; says what does not fit.
        """


def unedited(block: Block, before: int, reached: int) -> Block:
    """The edit of endings that leave the backbone alone."""
    del before, reached
    return block
