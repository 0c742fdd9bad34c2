"""Backbone -> detector: taps, halved tail and head, as the paper and torchvision put them together."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Final

from edgesmith.arch.anchors import AnchorScheme
from edgesmith.arch.channels import make_divisible
from edgesmith.arch.cost import count_parts
from edgesmith.arch.edits.segmentation import Tail, strides_of
from edgesmith.arch.edits.tail import HalvingRule, halve_tail
from edgesmith.arch.heads.base import Tap
from edgesmith.arch.heads.lr_aspp import picture_tap
from edgesmith.arch.heads.ssdlite import SsdLite
from edgesmith.arch.names import Point, Scores
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError

_EXTRAS: Final = (512, 256, 256, 128)
_LEAST: Final = 16


class CoarseTap(StrEnum):
    """Which map of stride 16 has the first boxes: the input of the first block at stride 32, or its expansion."""

    INPUT = "input"
    EXPAND = "expand"

    @property
    def point(self) -> Point:
        """In that block."""
        return Point(self.value)


def with_ssdlite(
    spec: NetSpec,
    *,
    tail: Tail = Tail.HALVED,
    tap: CoarseTap = CoarseTap.EXPAND,
    anchors: AnchorScheme = AnchorScheme.TENSORFLOW,
    scores: Scores = Scores.SIGMOID,
    width: float = 1.0,
) -> NetSpec:
    """The network as the paper's detector.

    The paper's first map is the expansion of the first block at stride 32, which still has stride 16; the second is the
    last layer before pooling.

    Paper: MobileNetV3, section 6.3.

    Args:
        spec: Any network that goes to stride 32.
        tail: Whether the last stage is halved, its first expansion left as it is.
        tap: The first map.
        anchors: Whose boxes.
        scores: How logits become scores, and so the loss.
        width: Of the maps behind the backbone.

    Raises:
        SpecError: No block goes to stride 32, or the last stage has blocks that cannot be halved.
    """
    if tail is Tail.HALVED:
        spec = halve_tail(spec, rule=HalvingRule.SSDLITE)
    head = SsdLite(
        extra_channels=tuple(max(_LEAST, make_divisible(channels * width)) for channels in _EXTRAS),
        anchors=anchors,
        scores=scores,
        taps=(coarse_tap(spec, tap), Tap(block=-1), picture_tap()),
    )
    return replace(spec, head=head)


def with_decoding(spec: NetSpec) -> NetSpec:
    """The same detector with answers as files have them: corners and scores."""
    return replace(spec, head=replace(ssdlite_head(spec), decoded=True))


def ssdlite_head(spec: NetSpec) -> SsdLite:
    """The head of a detector.

    Raises:
        SpecError: The network has another head.
    """
    if not isinstance(spec.head, SsdLite):
        raise SpecError(f"{spec.name} has the head {spec.head.kind!r}, not one for detection")
    return spec.head


def coarse_tap(spec: NetSpec, wanted: CoarseTap = CoarseTap.EXPAND) -> Tap:
    """Where the first map is; the block's input where it expands nothing.

    Raises:
        SpecError: No block reaches stride 32.
    """
    strides = strides_of(spec)
    first = next((index for index, stride in enumerate(strides) if stride >= 32), None)
    if first is None:
        raise SpecError(f"{spec.name}: no block reaches stride 32, the last has {strides[-1]}")
    parts, _ = count_parts(spec)
    return Tap(block=first, point=wanted.point if wanted.point in parts[first].points else Point.INPUT)
