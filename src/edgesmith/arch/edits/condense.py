"""CondenseNet before and after its groups are learned: the same network in training and at test time."""

from __future__ import annotations

from dataclasses import replace

from edgesmith.arch.heads.base import Head
from edgesmith.arch.heads.condensed_classifier import CondensedClassifier, LearnedClassifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.dense_layer import CondensedLayer, LearnedLayer
from edgesmith.arch.spec import NetSpec


def learnable(spec: NetSpec) -> NetSpec:
    """What is trained: every condensed layer reads all of its inputs, and will drop most of them.

    A network without such layers comes back as it is.
    """
    return replace(spec, blocks=tuple(_learned_block(block) for block in spec.blocks), head=_learned_head(spec.head))


def condensed(spec: NetSpec) -> NetSpec:
    """What is deployed: the inverse of `learnable`."""
    return replace(
        spec, blocks=tuple(_condensed_block(block) for block in spec.blocks), head=_condensed_head(spec.head)
    )


def _learned_block(block: Block) -> Block:
    if not isinstance(block, CondensedLayer):
        return block
    return LearnedLayer(growth=block.growth, groups=block.groups, condensation=block.condensation)


def _condensed_block(block: Block) -> Block:
    if not isinstance(block, LearnedLayer):
        return block
    return CondensedLayer(growth=block.growth, groups=block.groups, condensation=block.condensation)


def _learned_head(head: Head) -> Head:
    if not isinstance(head, CondensedClassifier):
        return head
    return LearnedClassifier(condensation=head.condensation, taps=head.taps)


def _condensed_head(head: Head) -> Head:
    if not isinstance(head, LearnedClassifier):
        return head
    return CondensedClassifier(condensation=head.condensation, taps=head.taps)
