"""What MobileNetV3's authors changed by hand on the networks that their searches had found."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edgesmith.arch.cost import count_parts, input_shape
from edgesmith.arch.edits.ablation import last_stage, se, stem
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation, GateKind, Skip
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError

STEM: Final = 16
SQUEEZE: Final = 0.25
_SECOND_HALF: Final = 16  # the stride at which h-swish begins, in Large and in Small


def by_hand(spec: NetSpec) -> NetSpec:
    """The efficient last stage, 16 filters in the stem, late h-swish, gates of a quarter of the expansion.

    The second half are the blocks at stride 16 and beyond; stem, tail and feature layer have h-swish too. A first
    block that is as wide as the new stem gets its skip. Norms become MobileNetV3's.

    Paper: MobileNetV3, sections 5.1 to 5.3.

    Raises:
        SpecError: It is no network of inverted residuals.
    """
    if not all(isinstance(block, Conv | InvertedResidual) for block in spec.blocks):
        kind = next(block.kind for block in spec.blocks if not isinstance(block, Conv | InvertedResidual))
        raise SpecError(f"{spec.name} has a {kind}; the paper's hand edits are for inverted residuals")
    edited = last_stage(se(stem(spec, STEM), SQUEEZE, of="expansion"), "efficient")
    parts, _ = count_parts(edited)
    height = input_shape(edited)[1]
    late = [height >= _SECOND_HALF * part.out[1] for part in parts]
    blocks = [_edited(index, block, is_late=late[index]) for index, block in enumerate(edited.blocks)]
    head = edited.head
    if isinstance(head, Classifier) and head.feature_channels:
        head = replace(head, activation=Activation.HARD_SWISH)
    return replace(edited, blocks=tuple(blocks), head=head, preset=Preset.TORCHVISION)


def _edited(index: int, block: Block, *, is_late: bool) -> Block:
    activation = Activation.HARD_SWISH if index == 0 or is_late else Activation.RELU
    if isinstance(block, Conv):
        return replace(block, activation=activation)
    assert isinstance(block, InvertedResidual), "there is no other kind, as was checked"
    gate = block.gate and replace(block.gate, kind=GateKind.HARD_SIGMOID)
    is_even = index == 1 and block.stride == 1 and block.out_channels == STEM
    return replace(block, activation=activation, gate=gate, skip=Skip.IDENTITY if is_even else block.skip)
