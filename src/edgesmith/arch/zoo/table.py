"""Every zoo name: what makes its spec, and what its publication says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from edgesmith.arch.channels import HeadRule, WidthRule
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.mobilenet_v3 import (
    mobilenet_v3_large,
    mobilenet_v3_large_minimalistic,
    mobilenet_v3_small,
    mobilenet_v3_small_minimalistic,
)


class MakeSpec(Protocol):
    """A family's function from options to a spec."""

    def __call__(self, *, width: float, rule: WidthRule, head: HeadRule) -> NetSpec:
        """The spec at a width under a rule."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One zoo name.

    Args:
        make: Makes the spec.
        top1: Published ImageNet top-1 at width 1.0 and 224 pixels, 0..1.
        source: Where that figure stands.
    """

    make: MakeSpec
    top1: float
    source: str


MODELS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "mobilenet_v3_large": Entry(make=mobilenet_v3_large, top1=0.752, source="MobileNetV3, table 3"),
        "mobilenet_v3_small": Entry(make=mobilenet_v3_small, top1=0.674, source="MobileNetV3, table 3"),
        "mobilenet_v3_large_minimalistic": Entry(
            make=mobilenet_v3_large_minimalistic, top1=0.723, source="TensorFlow slim README"
        ),
        "mobilenet_v3_small_minimalistic": Entry(
            make=mobilenet_v3_small_minimalistic, top1=0.619, source="TensorFlow slim README"
        ),
    }
)
