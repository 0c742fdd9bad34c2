"""LR-ASPP or R-ASPP behind a space's backbones, and what they ask of them: output stride and the last stage's width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from edgesmith.arch.edits.segmentation import FineTap, Tail, with_lr_aspp, with_r_aspp
from edgesmith.arch.edits.tail import HalvingRule, halved_at, stopped_at
from edgesmith.arch.heads.base import Head
from edgesmith.arch.heads.lr_aspp import LrAspp
from edgesmith.arch.heads.r_aspp import RAspp
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.space.choices import Choice
from edgesmith.arch.space.endings.base import Chosen, Edit
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class Segmenting:
    """The paper's light segmentation head, and the one that it replaced.

    Paper: MobileNetV3, section 6.4: 128 or 256 filters, a last stage whole or halved, output stride 16 or 32.

    Attributes:
        filters: Choices of the head's width.
        taps: Choices of the finer map of LR-ASPP; None for R-ASPP, which has none.
        tails: Whether the last stage is halved.
        strides: Choices of the output stride.
    """

    filters: tuple[int, ...] = (64, 128, 256)
    taps: tuple[FineTap | None, ...] = (*FineTap, None)
    tails: tuple[Tail, ...] = (Tail.HALVED, Tail.FULL)
    strides: tuple[int, ...] = (32, 16)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Filters, finer map, last stage, output stride."""
        return (
            Choice(name="filters", options=self.filters, ordered=True),
            Choice(name="tap", options=self.taps),
            Choice(name="last_stage", options=self.tails),
            Choice(name="output_stride", options=self.strides, ordered=True),
        )

    def finish(self, spec: NetSpec, chosen: Chosen) -> NetSpec:
        """The backbone as a segmenter."""
        return _segmenter(
            spec,
            chosen["tap"],
            filters=chosen["filters"],
            output_stride=chosen["output_stride"],
            tail=chosen["last_stage"],
        )

    def edit(self, chosen: Chosen) -> Edit:
        """Blocks behind the output stride are dilated; those at stride 32 may be halved."""

        def change(block: Block, before: int, reached: int) -> Block:
            if chosen["last_stage"] is Tail.HALVED:
                block = halved_at(block, before, reached, rule=HalvingRule.RF2)
            return stopped_at(block, before, chosen["output_stride"])

        return change

    def read(self, spec: NetSpec) -> Iterator[Chosen]:
        """Filters and finer map stand in the head; last stage and output stride show in the blocks alone.

        Raises:
            SpecError: The head is another, or its filters are none of the options.
        """
        head = spec.head
        if not isinstance(head, LrAspp | RAspp) or head.filters not in self.filters:
            raise SpecError(f"its head is no lr_aspp or r_aspp of {', '.join(map(str, self.filters))} filters")
        for tap, tail, stride in product(self.taps, self.tails, self.strides):
            chosen = {"filters": head.filters, "tap": tap, "last_stage": tail, "output_stride": stride}
            if _head_of(spec, tap, head.filters) == head:
                yield chosen


def _segmenter(spec: NetSpec, tap: FineTap | None, *, filters: int, output_stride: int, tail: Tail) -> NetSpec:
    if tap is None:
        return with_r_aspp(spec, filters=filters, output_stride=output_stride, tail=tail)
    return with_lr_aspp(spec, filters=filters, output_stride=output_stride, tail=tail, tap=tap)


def _head_of(spec: NetSpec, tap: FineTap | None, filters: int) -> Head | None:
    """The head that such a network would have; None where it has no such map."""
    try:
        return _segmenter(spec, tap, filters=filters, output_stride=32, tail=Tail.FULL).head
    except SpecError:
        return None
