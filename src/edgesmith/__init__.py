"""From your pictures, your device and your millisecond budget to a verified model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgesmith.recipes.api import build, export, fit, load, measure, netadapt

__version__ = "0.1.0"

__all__ = ["__version__", "build", "export", "fit", "load", "measure", "netadapt"]


def __getattr__(name: str) -> Any:
    """Import the verbs when they are first asked for, so that ``import edgesmith`` stays fast."""
    if name in __all__:
        from edgesmith.recipes import api

        return getattr(api, name)
    raise AttributeError(f"module 'edgesmith' has no attribute {name!r}")
