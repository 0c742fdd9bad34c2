"""A spec read off the modules of one of timm's mobile nets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

import torch
from timm.models import _efficientnet_blocks as timm_blocks
from torch import Tensor, nn

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.fused import FusedBottleneck
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.kinds.separable import Separable
from edgesmith.arch.kinds.universal import UniversalBottleneck
from edgesmith.arch.names import Activation, GateKind, Padding, Skip
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import WeightsError

E = TypeVar("E")

# By class name: timm has variants of its own beside torch's modules.
_ACTIVATIONS: Final[Mapping[str, Activation]] = MappingProxyType(
    {
        "Identity": Activation.NONE,
        "ReLU": Activation.RELU,
        "ReLU6": Activation.RELU6,
        "Hardswish": Activation.HARD_SWISH,
        "HardSwish": Activation.HARD_SWISH,
        "HardswishMe": Activation.HARD_SWISH,
        "HardSwishMe": Activation.HARD_SWISH,
    }
)
_GATES: Final[Mapping[str, GateKind]] = MappingProxyType(
    {
        "Sigmoid": GateKind.SIGMOID,
        "Hardsigmoid": GateKind.HARD_SIGMOID,
        "HardSigmoid": GateKind.HARD_SIGMOID,
        "HardsigmoidMe": GateKind.HARD_SIGMOID,
        "HardSigmoidMe": GateKind.HARD_SIGMOID,
    }
)


def spec_of(model: Any, *, name: str, resolution: tuple[int, int]) -> NetSpec:
    """The network that a model of timm's EfficientNet and MobileNetV3 classes is.

    Args:
        model: The model.
        name: What people call it.
        resolution: Height and width of its pictures.

    Raises:
        WeightsError: It has a layer that there is no block kind for; names it.
    """
    stem, norm = model.conv_stem, model.bn1
    blocks: list[Block] = [_conv(stem, norm)]
    for path, module in _blocks(model):
        blocks.append(_block(module, f"{name}: {path}"))
    after_pool = hasattr(model, "norm_head")
    if not after_pool and isinstance(model.conv_head, nn.Conv2d):
        blocks.append(_conv(model.conv_head, model.bn2))
    return NetSpec(
        name=name,
        family=type(model).__name__,
        blocks=tuple(blocks),
        head=_head(model) if after_pool else Classifier(),
        resolution=resolution,
        num_classes=model.num_classes,
        padding=Padding.SAME if type(stem).__name__ == "Conv2dSame" else Padding.SYMMETRIC,
        preset=Preset.TIMM_TF if norm.eps == 1e-3 else Preset.TIMM,
    )


def state_of(model: Any) -> dict[str, Tensor]:
    """The model's state, with a bias of zeros where its feature layer has neither bias nor norm."""
    state: dict[str, Tensor] = {}
    for key, value in model.state_dict().items():
        state[key] = value
        bare = key == "conv_head.weight" and model.conv_head.bias is None
        if bare and not list(getattr(model, "norm_head", nn.Identity()).parameters()) and not hasattr(model, "bn2"):
            state["conv_head.bias"] = torch.zeros(len(value))
    return state


def _blocks(model: Any) -> list[tuple[str, Any]]:
    return [
        (f"blocks.{stage}.{number}", block)
        for stage, blocks in enumerate(model.blocks)
        for number, block in enumerate(blocks)
    ]


def _block(module: Any, where: str) -> Block:
    make = _KINDS.get(type(module))
    if make is None:
        raise WeightsError(f"{where} is a {type(module).__name__}, and there is no block kind for it")
    for part in ("aa", "conv_s2d"):
        if not isinstance(getattr(module, part, None) or nn.Identity(), nn.Identity):
            raise WeightsError(f"{where} has a {type(getattr(module, part)).__name__}, and no block kind has one")
    return make(module)


def _conv_block(module: Any) -> Block:
    if module.has_skip:
        raise WeightsError("a convolution adds its input, and there is no block kind for it")
    return _conv(module.conv, module.bn1)


def _conv(conv: Any, norm: Any) -> Conv:
    return Conv(
        out_channels=conv.out_channels,
        kernel_size=conv.kernel_size[0],
        stride=conv.stride[0],
        groups=conv.groups,
        dilation=conv.dilation[0],
        activation=_activation(norm),
    )


def _separable(module: Any) -> Block:
    """A depthwise-separable convolution, or an inverted residual that does not widen."""
    if module.has_pw_act and not module.has_skip and isinstance(module.se, nn.Identity):
        return Separable(
            out_channels=module.conv_pw.out_channels,
            kernel_size=module.conv_dw.kernel_size[0],
            stride=module.conv_dw.stride[0],
            activation=_activation(module.bn1),
        )
    return _inverted(module, module.conv_dw.in_channels, module.bn1, module.conv_pw)


def _inverted_residual(module: Any) -> Block:
    return _inverted(module, module.conv_pw.out_channels, module.bn1, module.conv_pwl)


def _inverted(module: Any, expand: int, norm: Any, project: Any) -> Block:
    return InvertedResidual(
        kernel_size=module.conv_dw.kernel_size[0],
        expand_channels=expand,
        out_channels=project.out_channels,
        activation=_activation(norm),
        stride=module.conv_dw.stride[0],
        gate=_gate(module.se),
        skip=_skip(module),
        dilation=module.conv_dw.dilation[0],
    )


def _fused(module: Any) -> Block:
    return FusedBottleneck(
        kernel_size=module.conv_exp.kernel_size[0],
        expand_channels=module.conv_exp.out_channels,
        out_channels=module.conv_pwl.out_channels,
        activation=_activation(module.bn1),
        stride=module.conv_exp.stride[0],
        skip=_skip(module),
    )


def _universal(module: Any) -> Block:
    start, middle = (getattr(part, "conv", None) for part in (module.dw_start, module.dw_mid))
    return UniversalBottleneck(
        start_kernel=start.kernel_size[0] if start else 0,
        middle_kernel=middle.kernel_size[0] if middle else 0,
        expand_channels=module.pw_exp.conv.out_channels,
        out_channels=module.pw_proj.conv.out_channels,
        activation=_activation(module.pw_exp.bn),
        stride=max(conv.stride[0] for conv in (start, middle, module.pw_exp.conv) if conv),
        skip=_skip(module),
    )


def _head(model: Any) -> Classifier:
    has_norm = bool(list(model.norm_head.parameters()))
    return Classifier(
        feature_channels=model.conv_head.out_channels,
        activation=_activation(model.norm_head) if has_norm else _by_name(_ACTIVATIONS, model.act2),
        feature_norm=has_norm,
    )


def _activation(norm: Any) -> Activation:
    return _by_name(_ACTIVATIONS, norm.act)


def _gate(module: Any) -> GateSpec | None:
    if isinstance(module, nn.Identity):
        return None
    return GateSpec(
        squeeze_channels=module.conv_reduce.out_channels,
        kind=_by_name(_GATES, module.gate),
        activation=_by_name(_ACTIVATIONS, module.act1),
    )


def _skip(module: Any) -> Skip:
    return Skip.IDENTITY if module.has_skip else Skip.NONE


def _by_name(table: Mapping[str, E], module: nn.Module) -> E:
    """What a module stands for; a gate keeps its activation inside."""
    for candidate in (module, *module.children()):
        if type(candidate).__name__ in table:
            return table[type(candidate).__name__]
    raise WeightsError(f"there is no activation like {type(module).__name__}; choices: {', '.join(sorted(table))}")


_KINDS: Final[Mapping[type[nn.Module], Callable[[Any], Block]]] = MappingProxyType(
    {
        timm_blocks.ConvBnAct: _conv_block,
        timm_blocks.DepthwiseSeparableConv: _separable,
        timm_blocks.InvertedResidual: _inverted_residual,
        timm_blocks.EdgeResidual: _fused,
        timm_blocks.UniversalInvertedResidual: _universal,
    }
)
