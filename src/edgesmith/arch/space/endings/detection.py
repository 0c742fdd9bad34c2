"""SSDLite behind a space's backbones: first map, last stage's width, boxes, maps behind the backbone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from edgesmith.arch.anchors import AnchorScheme
from edgesmith.arch.edits.detection import CoarseTap, with_ssdlite
from edgesmith.arch.edits.segmentation import Tail
from edgesmith.arch.edits.tail import HalvingRule, halved_at
from edgesmith.arch.heads.ssdlite import SsdLite
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.space.choices import Choice
from edgesmith.arch.space.endings.base import Chosen, Edit, unedited
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class Detecting:
    """The paper's detection head.

    Paper: MobileNetV3, section 6.3: a last stage whole or halved.

    Attributes:
        taps: Choices of the first map, which has most of the boxes.
        tails: Whether the last stage is halved.
        anchors: Choices of the boxes: three a place on the first map, or six.
        widths: Choices of the maps behind the backbone, as multiples of the usual ones.
    """

    taps: tuple[CoarseTap, ...] = (CoarseTap.INPUT, CoarseTap.EXPAND)
    tails: tuple[Tail, ...] = (Tail.HALVED, Tail.FULL)
    anchors: tuple[AnchorScheme, ...] = (AnchorScheme.TENSORFLOW, AnchorScheme.TORCHVISION)
    widths: tuple[float, ...] = (0.25, 0.5, 1.0)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """First map, last stage, boxes, maps behind the backbone."""
        return (
            Choice(name="tap", options=self.taps),
            Choice(name="last_stage", options=self.tails),
            Choice(name="anchors", options=self.anchors),
            Choice(name="maps", options=self.widths, ordered=True),
        )

    def finish(self, spec: NetSpec, chosen: Chosen) -> NetSpec:
        """The backbone as a detector."""
        return with_ssdlite(
            spec,
            tail=chosen["last_stage"],
            tap=chosen["tap"],
            anchors=chosen["anchors"],
            width=chosen["maps"],
        )

    def edit(self, chosen: Chosen) -> Edit:
        """Blocks at stride 32 may be halved."""
        if chosen["last_stage"] is not Tail.HALVED:
            return unedited

        def change(block: Block, before: int, reached: int) -> Block:
            return halved_at(block, before, reached, rule=HalvingRule.SSDLITE)

        return change

    def read(self, spec: NetSpec) -> Iterator[Chosen]:
        """All but the last stage stands in the head.

        Raises:
            SpecError: The head is another.
        """
        if not isinstance(spec.head, SsdLite):
            raise SpecError("its head is no ssdlite")
        for tap, anchors, width in product(self.taps, self.anchors, self.widths):
            if with_ssdlite(spec, tail=Tail.FULL, tap=tap, anchors=anchors, width=width).head == spec.head:
                for tail in self.tails:
                    yield {"tap": tap, "last_stage": tail, "anchors": anchors, "maps": width}
