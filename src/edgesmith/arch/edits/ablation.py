"""The paper's hand edits and ablations, by name (MobileNetV3, sections 5.1 to 5.3 and table 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgesmith.arch.channels import make_divisible
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation, Skip
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError, UsageError


def hswish_from(spec: NetSpec, block: int) -> NetSpec:
    """H-swish in the inverted residuals from number ``block`` on, ReLU in those before; stem and tail stay.

    Paper: table 5, where "@80" is block 7 of Large, "@112" block 11 and "@16" block 1.

    Raises:
        SpecError: There is no such block.
    """
    if not 0 <= block <= len(spec.blocks):
        raise SpecError(f"{spec.name}: h-swish cannot begin at block {block}, the last is {len(spec.blocks) - 1}")
    return _map_residuals(
        spec,
        lambda index, b: replace(b, activation=Activation.HARD_SWISH if index >= block else Activation.RELU),
    )


def relu_only(spec: NetSpec) -> NetSpec:
    """ReLU wherever there was another activation, stem, tail and head included."""
    blocks = tuple(_with_relu(block) for block in spec.blocks)
    head = spec.head
    if isinstance(head, Classifier) and head.feature_channels:
        head = replace(head, activation=Activation.RELU)
    return replace(spec, blocks=blocks, head=head)


def no_se(spec: NetSpec) -> NetSpec:
    """No gate anywhere."""
    return _map_residuals(spec, lambda _, block: replace(block, gate=None))


def se(spec: NetSpec, ratio: float, *, of: str) -> NetSpec:
    """Resize the gates of the blocks that have one.

    Args:
        spec: The network.
        ratio: Share of the channels that the gate's bottleneck has, above 0.
        of: "expansion" (MobileNetV3, rounded to multiples of 8) or "input" (MnasNet, rounded down).

    Raises:
        UsageError: ``of`` or ``ratio`` is none of these.
        SpecError: A block is neither a convolution nor an inverted residual.
    """
    if of not in ("expansion", "input"):
        raise UsageError(f"gates are sized of 'expansion' or 'input', got {of!r}")
    if not ratio > 0:
        raise UsageError(f"a gate's ratio must be above 0, got {ratio:g}")
    inputs = [spec.in_channels, *(_out_channels(block) for block in spec.blocks)]

    def resize(index: int, block: InvertedResidual) -> InvertedResidual:
        if block.gate is None:
            return block
        squeeze = make_divisible(ratio * block.expand_channels) if of == "expansion" else int(ratio * inputs[index])
        return replace(block, gate=replace(block.gate, squeeze_channels=max(1, squeeze)))

    return _map_residuals(spec, resize)


def stem(spec: NetSpec, channels: int) -> NetSpec:
    """Another number of filters in the stem.

    A first block that did not widen its input still does not; its skip goes where widths no longer agree, and is not
    invented where they come to agree.

    Raises:
        SpecError: The first block is no plain convolution.
    """
    old, first = spec.blocks[0], spec.blocks[1]
    if not isinstance(old, Conv):
        raise SpecError(f"{spec.name}: block 0 is a {old.kind}, not a stem convolution")
    blocks = [replace(old, out_channels=channels), first, *spec.blocks[2:]]
    if isinstance(first, InvertedResidual):
        expand = channels if first.expand_channels == old.out_channels else first.expand_channels
        keeps = first.stride == 1 and first.out_channels == channels and first.skip is not Skip.NONE
        blocks[1] = replace(first, expand_channels=expand, skip=Skip.IDENTITY if keeps else Skip.NONE)
    return replace(spec, blocks=tuple(blocks))


def last_stage(spec: NetSpec, kind: str) -> NetSpec:
    """The paper's efficient last stage, or the one that it replaced.

    ``original``: the tail's expansion, a 3x3 depthwise filter, a projection to twice the last width and the wide
    layer before the pool, as in MobileNetV2 and MnasNet-A1. ``efficient``: pool first, then the wide layer.
    Paper: section 5.1, figure 5.

    Raises:
        UsageError: ``kind`` is neither.
        SpecError: The network has neither of the two last stages.
    """
    if kind not in ("original", "efficient"):
        raise UsageError(f"the last stage is 'original' or 'efficient', got {kind!r}")
    is_original = isinstance(spec.blocks[-2], InvertedResidual) and not _feature_channels(spec)
    if (kind == "original") == is_original:
        return spec
    return _restore_last_stage(spec) if kind == "original" else _shorten_last_stage(spec)


def _restore_last_stage(spec: NetSpec) -> NetSpec:
    tail = spec.blocks[-1]
    if not isinstance(tail, Conv) or not _feature_channels(spec):
        raise SpecError(f"{spec.name}: the last stage is not the efficient one")
    bottleneck = InvertedResidual(
        kernel_size=3,
        expand_channels=tail.out_channels,
        out_channels=2 * _out_channels(spec.blocks[-2]),
        activation=tail.activation,
    )
    wide = replace(tail, out_channels=_feature_channels(spec))
    return replace(spec, blocks=(*spec.blocks[:-1], bottleneck, wide), head=Classifier())


def _shorten_last_stage(spec: NetSpec) -> NetSpec:
    bottleneck, wide = spec.blocks[-2:]
    if not isinstance(bottleneck, InvertedResidual) or not isinstance(wide, Conv):
        raise SpecError(f"{spec.name}: the last stage is not the original one")
    tail = replace(wide, out_channels=bottleneck.expand_channels)
    head = Classifier(feature_channels=wide.out_channels, activation=wide.activation)
    return replace(spec, blocks=(*spec.blocks[:-2], tail), head=head)


def _map_residuals(spec: NetSpec, edit: Callable[[int, InvertedResidual], Block]) -> NetSpec:
    blocks = (edit(i, block) if isinstance(block, InvertedResidual) else block for i, block in enumerate(spec.blocks))
    return replace(spec, blocks=tuple(blocks))


def _with_relu(block: Block) -> Block:
    if isinstance(block, Conv | InvertedResidual) and block.activation is not Activation.NONE:
        return replace(block, activation=Activation.RELU)
    return block


def _out_channels(block: Block) -> int:
    if not isinstance(block, Conv | InvertedResidual):
        raise SpecError(f"a {block.kind} has no single output width")
    return block.out_channels


def _feature_channels(spec: NetSpec) -> int:
    return spec.head.feature_channels if isinstance(spec.head, Classifier) else 0
