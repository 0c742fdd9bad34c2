"""What is asked of a candidate's short training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgesmith.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class ProxyWishes:
    """How a candidate is tried.

    Attributes:
        pictures: That it is trained on, repeated ones counted; None takes what the time buys.
        scale: Its resolution, as a share of the network's own.
        subset: Share of the training pictures that all candidates draw from, class by class.
        inherit: Whether it begins with the weights of the network that the space is around, trained first, where that
            is possible: in a space around a network that keeps the limits, and with workers that see the run folder.
    """

    pictures: int | None = None
    scale: float = 0.7
    subset: float = 1.0
    inherit: bool = True

    def __post_init__(self) -> None:
        if self.pictures is not None and self.pictures < 1:
            raise UsageError(f"--proxy pictures={self.pictures}: a candidate is trained on at least 1 picture")
        for name in ("scale", "subset"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(f"--proxy {name}={getattr(self, name):g}: give a share above 0 and at most 1")


DEFAULT: Final = ProxyWishes()
