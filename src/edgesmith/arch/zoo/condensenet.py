"""CondenseNet for ImageNet and for CIFAR, as it is at test time; training begins from `edits.condense.learnable`.

Paper: "CondenseNet: An Efficient DenseNet using Learned Group Convolutions", tables 2 to 4, and the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.heads.base import Head
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.heads.condensed_classifier import CondensedClassifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.dense_layer import CondensedLayer
from edgesmith.arch.kinds.norm import NormBlock
from edgesmith.arch.kinds.pool import Pooling
from edgesmith.arch.names import Activation, PoolKind
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.entry import Entry, Published
from edgesmith.core.errors import UsageError

_LAYERS: Final = (4, 6, 8, 10, 8)
_GROWTHS: Final = (8, 16, 32, 64, 128)
_FACTORS: Final = (4, 8)
_CIFAR_GROWTHS: Final = (8, 16, 32)
_DEEPEST: Final = 182  # the authors widen this one by half


def condensenet_74(*, groups: int = 4) -> NetSpec:
    """CondenseNet-74 for ImageNet; with 4 groups, 4.8 M parameters, with 8, 2.9 M.

    Raises:
        UsageError: No network with so many groups is published.
    """
    if groups not in _FACTORS:
        raise UsageError(f"groups must be one of {', '.join(map(str, _FACTORS))}, got {groups}")
    blocks = _blocks(_LAYERS, _GROWTHS, groups=groups, stem_stride=2)
    return _net("condensenet_74", blocks, CondensedClassifier(), resolution=224, num_classes=1000)


def condensenet_cifar(*, depth: int = 86) -> NetSpec:
    """CondenseNet for 32-pixel pictures, of ``6 n + 2`` layers.

    Raises:
        UsageError: The depth is not of this form.
    """
    layers, rest = divmod(depth - 2, 6)
    if layers < 1 or rest:
        raise UsageError(f"depth must be 6 n + 2, got {depth}; published: 50, 74, 86, 98, 110, 122, {_DEEPEST}")
    growths = tuple(growth * 3 // 2 for growth in _CIFAR_GROWTHS) if depth == _DEEPEST else _CIFAR_GROWTHS
    blocks = _blocks((layers,) * 3, growths, groups=4, stem_stride=1)
    return _net("condensenet_cifar", blocks, Classifier(), resolution=32, num_classes=10)


def _blocks(layers: tuple[int, ...], growths: tuple[int, ...], *, groups: int, stem_stride: int) -> tuple[Block, ...]:
    stem = Conv(
        out_channels=2 * growths[0],
        kernel_size=3,
        stride=stem_stride,
        activation=Activation.NONE,
        norm=False,
        bias=False,
    )
    blocks: list[Block] = [stem]
    for stage, (count, growth) in enumerate(zip(layers, growths, strict=True)):
        if stage:
            blocks.append(Pooling(reduce=PoolKind.AVERAGE, kernel_size=2))
        blocks += [CondensedLayer(growth=growth, groups=groups, condensation=groups)] * count
    return (*blocks, NormBlock(activation=Activation.RELU))


def _net(name: str, blocks: tuple[Block, ...], head: Head, *, resolution: int, num_classes: int) -> NetSpec:
    return NetSpec(
        name=name,
        family="CondenseNet",
        blocks=blocks,
        head=head,
        resolution=(resolution, resolution),
        num_classes=num_classes,
        preset=Preset.PLAIN,
    )


_README = "CondenseNet README"
_CIFAR: Final = {86: 5.06, 50: 6.22, 74: 5.28, 98: 4.83, 110: 4.63, 122: 4.48, 182: 3.76}  # depth: error in per cent

MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "condensenet_74": Entry(
            make=condensenet_74,
            published=(
                Published(top1=0.738, source=_README),
                Published(options="groups=8", top1=0.71, source=_README),
            ),
        ),
        "condensenet_cifar": Entry(
            make=condensenet_cifar,
            published=tuple(
                Published(
                    options="" if depth == 86 else f"depth={depth}",
                    top1=round(1 - error / 100, 4),
                    source=_README,
                    data="CIFAR-10",
                )
                for depth, error in _CIFAR.items()
            ),
        ),
    }
)
