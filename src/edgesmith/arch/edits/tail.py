"""What detection and segmentation change at the end of a backbone: output stride and halved tails."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Final

from edgesmith.arch.channels import make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Skip
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError, UsageError

_LAST: Final = 32


class DilationRule(StrEnum):
    """From which block on a kept stride becomes dilation: DeepLab's later ones only, or the first as well."""

    DEEPLAB = "deeplab"
    TORCHVISION = "torchvision"


class HalvingRule(StrEnum):
    """Whose last stage is halved.

    ``SSDLITE`` (TensorFlow's detectors) leaves the first expansion, which is the tap C4; ``RF2`` (DeepLab) halves it
    too; ``TORCHVISION`` is the first with a halved feature layer.
    """

    SSDLITE = "ssdlite"
    RF2 = "rf2"
    TORCHVISION = "torchvision"


def with_output_stride(spec: NetSpec, output_stride: int, *, rule: DilationRule) -> NetSpec:
    """Stop halving the feature map at ``output_stride``; later filters reach as far as before by dilation.

    Args:
        spec: The network.
        output_stride: 8, 16 or 32 pixels of the input to one of the output.
        rule: Whether the first block that lost its stride is dilated too.

    Raises:
        UsageError: The output stride is another.
        SpecError: A block behind it cannot be dilated.
    """
    if output_stride not in (8, 16, 32):
        raise UsageError(f"the output stride must be 8, 16 or 32, got {output_stride}")
    blocks: list[Block] = []
    reached, dilation = 1, 1
    for block in spec.blocks:
        wanted = block.stride
        if reached * wanted > output_stride:
            own = dilation * wanted if rule is DilationRule.TORCHVISION else dilation
            dilation *= wanted
            blocks.append(_dilated(block, stride=1, dilation=own))
        else:
            reached *= wanted
            blocks.append(_dilated(block, stride=wanted, dilation=dilation) if dilation > 1 else block)
    return replace(spec, blocks=tuple(blocks))


def halve_tail(spec: NetSpec, *, rule: HalvingRule) -> NetSpec:
    """Halve the widths from the first stride-32 block on, to multiples of 8; they were sized for 1000 classes.

    Paper: MobileNetV3, sections 6.3 and 6.4.

    Raises:
        SpecError: No block reaches stride 32, or one behind it has no single width.
    """
    reached, blocks = 1, []
    for block in spec.blocks:
        before, reached = reached, reached * block.stride
        blocks.append(halved_at(block, before, reached, rule=rule))
    if reached < _LAST:
        raise SpecError(f"{spec.name}: no block reaches stride {_LAST}, the last has {reached}")
    head = spec.head
    if rule is HalvingRule.TORCHVISION and isinstance(head, Classifier) and head.feature_channels:
        head = replace(head, feature_channels=make_divisible(head.feature_channels / 2))
    return replace(spec, blocks=tuple(blocks), head=head)


def halved_at(block: Block, before: int, reached: int, *, rule: HalvingRule) -> Block:
    """What `halve_tail` makes of a block.

    Args:
        block: It stays as it is before stride 32.
        before: Pixels of the picture to one of its input.
        reached: The same for its output.
        rule: Whose last stage is halved.
    """
    if reached < _LAST:
        return block
    is_first = before < _LAST
    return _halved(block, is_first=is_first, keep_expansion=is_first and rule is not HalvingRule.RF2)


def stopped_at(block: Block, before: int, output_stride: int) -> Block:
    """What `with_output_stride` makes of a block by DeepLab's rule.

    Args:
        block: It stays as it is before the output stride.
        before: Pixels of the picture to one of its input in the network that goes on halving.
        output_stride: Of the network that stops.
    """
    return block if before < output_stride else _dilated(block, stride=1, dilation=before // output_stride)


def _dilated(block: Block, *, stride: int, dilation: int) -> Block:
    if isinstance(block, InvertedResidual):
        return replace(block, stride=stride, dilation=dilation)
    if isinstance(block, Conv):
        return replace(block, stride=stride, dilation=dilation if block.kernel_size > 1 else 1)
    raise SpecError(f"a {block.kind} cannot be dilated")


def _halved(block: Block, *, is_first: bool, keep_expansion: bool) -> Block:
    if not isinstance(block, Conv | InvertedResidual):
        raise SpecError(f"a {block.kind} cannot be halved")
    skip = Skip.NONE if is_first else block.skip  # the first one's input is not halved, and cannot be added
    narrow = replace(block, out_channels=make_divisible(block.out_channels / 2), skip=skip)
    if isinstance(narrow, Conv) or isinstance(block, Conv):
        return narrow
    if keep_expansion:
        return narrow
    gate = block.gate and replace(block.gate, squeeze_channels=make_divisible(block.gate.squeeze_channels / 2))
    return replace(narrow, expand_channels=make_divisible(block.expand_channels / 2), gate=gate)
