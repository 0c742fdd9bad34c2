"""Backbone -> segmenter: output stride, halved tail, taps and head, as the paper and torchvision put them together."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from edgesmith.arch.cost import count_parts
from edgesmith.arch.edits.tail import DilationRule, HalvingRule, halve_tail, with_output_stride
from edgesmith.arch.heads.base import Head, Tap
from edgesmith.arch.heads.lr_aspp import LrAspp, picture_tap
from edgesmith.arch.heads.r_aspp import RAspp
from edgesmith.arch.names import Activation, Point
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError

_FINE_STRIDE = 8


class Tail(StrEnum):
    """Whether the last stage keeps its width or has half of it (the paper's RF2)."""

    HALVED = "halved"
    FULL = "full"


class FineTap(StrEnum):
    """Which map gives the finer answer: of the last block at stride 8 or 4, its output or its depthwise filter's."""

    OUTPUT_8 = "output_8"
    DEPTHWISE_8 = "depthwise_8"
    OUTPUT_4 = "output_4"
    DEPTHWISE_4 = "depthwise_4"

    @property
    def point(self) -> Point:
        """In its block."""
        return Point(self.value.partition("_")[0])

    @property
    def stride(self) -> int:
        """Pixels of the picture to one of the map."""
        return int(self.value.partition("_")[2])


def with_lr_aspp(
    spec: NetSpec,
    *,
    filters: int = 128,
    output_stride: int = 16,
    tail: Tail = Tail.HALVED,
    tap: FineTap = FineTap.DEPTHWISE_8,
) -> NetSpec:
    """The network as the paper's segmenter with LR-ASPP.

    The paper's finer tap is the depthwise output of the last block at stride 8, before its gate.

    Paper: MobileNetV3, section 6.4; DeepLab's code where the paper is silent.

    Args:
        spec: Any network whose last stage can be dilated.
        filters: Width of the head.
        output_stride: Pixels of the picture to one of the coarse map: 16 or 32.
        tail: Whether the last stage is halved.
        tap: The finer map.

    Raises:
        SpecError: No block works at the finer map's stride, or the last stage cannot be dilated or halved.
    """
    backbone = _backbone(spec, output_stride=output_stride, tail=tail)
    head = LrAspp(filters=filters, taps=(fine_tap(backbone, tap), Tap(block=-1), picture_tap()))
    return replace(backbone, head=head)


def with_r_aspp(spec: NetSpec, *, filters: int = 256, output_stride: int = 16, tail: Tail = Tail.FULL) -> NetSpec:
    """The network as a segmenter with MobileNetV2's R-ASPP; arguments and errors as of `with_lr_aspp`."""
    backbone = _backbone(spec, output_stride=output_stride, tail=tail)
    return replace(backbone, head=RAspp(filters=filters, taps=(Tap(block=-1), picture_tap())))


def with_torchvision_lr_aspp(spec: NetSpec, *, filters: int = 128) -> NetSpec:
    """The network as torchvision's LR-ASPP: a full tail, all last blocks dilated, one mean of the whole map."""
    backbone = with_output_stride(spec, 16, rule=DilationRule.TORCHVISION)
    first = next(index for index, stride in enumerate(strides_of(backbone)) if stride == _FINE_STRIDE)
    head = LrAspp(
        filters=filters,
        window=0,
        window_stride=(1, 1),
        gate=Activation.SIGMOID,
        gate_bias=False,
        align_corners=False,
        preset=Preset.TORCHVISION_HEAD,
        taps=(Tap(block=first), Tap(block=-1), picture_tap()),
    )
    return replace(backbone, head=head)


def without_upsampling(spec: NetSpec) -> NetSpec:
    """The same segmenter with an answer of the finer tap's size, for devices that resize by themselves."""
    return replace(spec, head=replace(dense_head(spec), upsample=False))


def dense_head(spec: NetSpec) -> LrAspp | RAspp:
    """The head of a segmenter.

    Raises:
        SpecError: The network has another head.
    """
    head: Head = spec.head
    if not isinstance(head, LrAspp | RAspp):
        raise SpecError(f"{spec.name} has the head {head.kind!r}, not one for segmentation")
    return head


def fine_tap(spec: NetSpec, wanted: FineTap = FineTap.DEPTHWISE_8) -> Tap:
    """Where the finer map is; the block's output where it has no such point.

    Raises:
        SpecError: No block works at the stride that is wanted.
    """
    strides = strides_of(spec)
    if wanted.stride not in strides:
        raise SpecError(f"{spec.name}: no block works at stride {wanted.stride}; it goes to {strides[-1]}")
    last = max(index for index, stride in enumerate(strides) if stride == wanted.stride)
    parts, _ = count_parts(spec)
    return Tap(block=last, point=wanted.point if wanted.point in parts[last].points else Point.OUTPUT)


def strides_of(spec: NetSpec) -> list[int]:
    """Pixels of the picture to one of each block's output."""
    reached, strides = 1, []
    for block in spec.blocks:
        reached *= block.stride
        strides.append(reached)
    return strides


def _backbone(spec: NetSpec, *, output_stride: int, tail: Tail) -> NetSpec:
    if tail is Tail.HALVED:
        spec = halve_tail(spec, rule=HalvingRule.RF2)
    return with_output_stride(spec, output_stride, rule=DilationRule.DEEPLAB)
