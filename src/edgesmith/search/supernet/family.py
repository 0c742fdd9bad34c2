"""Which weights of the largest net belong to which net of a space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from torch import Tensor

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import WeightsError
from edgesmith.search.supernet.bounds import largest_point, smallest_point
from edgesmith.weights.channel_maps import Selection
from edgesmith.weights.transplant import transplant

_WAY_OUT: Final = "search it with stand-alone trainings"


class Family:
    """The nets of a space as parts of its largest one: leading layers, leading channels, the middle of kernels.

    Attributes:
        space: Whose nets.
        largest: Point of the net that holds the weights.
        smallest: Point of the smallest net.
        spec: The largest net.
    """

    def __init__(self, space: StagedSpace, *, like: Encoding | None = None) -> None:
        """Find the ends of the space, and see whether its nets can share weights.

        Args:
            space: Whose nets.
            like: See `largest_point`.

        Raises:
            WeightsError: A kind is not elastic, or a choice puts another kind into a block's place; names the kind.
        """
        self.space = space
        self.largest, self.smallest = largest_point(space, like=like), smallest_point(space, like=like)
        self.spec = space.decode(self.largest)
        require_elastic(self.spec)
        self._require_same_kinds()

    def blocks(self, point: Encoding) -> tuple[int, ...]:
        """For each block of a net the number of the largest net's block that it is a part of."""
        values = self.space.values(point)
        found, begin = [0], 1
        for number, stage in enumerate(self.space.stages, 1):
            found += range(begin, begin + values[f"stage{number}.depth"])
            begin += max(stage.depths)
        return (*found, begin) if values["tail"] else tuple(found)

    def views(self, state: Mapping[str, Tensor], point: Encoding) -> dict[str, Tensor]:
        """A net's tensors as views of the largest net's: gradients reach exactly the part that it uses.

        Args:
            state: Of the largest net, with its running statistics.
            point: The net.

        Raises:
            WeightsError: The net has a tensor that the largest one has not; names it.
        """
        spec = self.space.decode(point)
        moved = transplant(state, self.spec, spec, select=Selection.FIRST, blocks=self.blocks(point))
        memory = {tensor.untyped_storage().data_ptr() for tensor in state.values()}
        strangers = [key for key, tensor in moved.state.items() if tensor.untyped_storage().data_ptr() not in memory]
        if strangers:
            raise WeightsError(
                f"{spec.name} is no part of the largest net of {self.space.name}: {strangers[0]} has no place in it; "
                f"{_WAY_OUT}"
            )
        return moved.state

    def _require_same_kinds(self) -> None:
        for place, choice in enumerate(self.space.choices):
            for option in range(len(choice.options)):
                point = (*self.largest[:place], option, *self.largest[place + 1 :])
                spec, numbers = self.space.decode(point), self.blocks(point)
                if len(spec.blocks) != len(numbers):
                    raise WeightsError(f"{choice.name} takes layers out of a stage's middle; {_WAY_OUT}")
                for number, block in zip(numbers, spec.blocks, strict=True):
                    kind = self.spec.blocks[number].kind
                    if block.kind != kind:
                        raise WeightsError(
                            f"{choice.name} puts kind {block.kind} where the largest net has {kind}: two kinds cannot "
                            f"share weights; {_WAY_OUT}"
                        )


def require_elastic(spec: NetSpec) -> None:
    """Refuse a net whose narrower forms are no parts of it.

    Raises:
        WeightsError: Names the block's kind.
    """
    for index, block in enumerate(spec.blocks):
        if not block.elastic:
            raise WeightsError(
                f"block {index} of {spec.name} is a {block.kind}, which is not elastic: its channels are tied to their "
                f"places, so narrower ones cannot share its weights; {_WAY_OUT}"
            )
