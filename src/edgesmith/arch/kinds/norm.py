"""A norm and an activation alone: what closes a network whose norms come before its convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgesmith.arch.names import Activation
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value


@dataclass(frozen=True, kw_only=True)
class NormBlock:
    """Batch norm, then an activation.

    Args:
        activation: What follows the norm.
    """

    kind: ClassVar[str] = "norm"
    elastic: ClassVar[bool] = True

    activation: Activation

    @property
    def stride(self) -> int:
        """It never halves the feature map."""
        return 1

    def trace(self, t: Trace, x: Value) -> Value:
        """Norm ``x``."""
        return t.norm(x, name="norm", activation=self.activation)
