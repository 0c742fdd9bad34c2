"""From your pictures, your device and your millisecond budget to a verified model file."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgesmith.recipes.api import build, export, fit, load, measure, netadapt, search

__version__ = "0.1.0"

__all__ = ["__version__", "build", "export", "fit", "load", "measure", "netadapt", "search"]


class _Verb(ModuleType):
    """A package that can be called, because a verb has the same name."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        from edgesmith.recipes import api

        return getattr(api, self.__name__.rpartition(".")[2])(*arguments, **settings)


class _Package(ModuleType):
    """``edgesmith.search`` is the verb, and stays it once the package of that name is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Import the verbs when they are first asked for, so that ``import edgesmith`` stays fast."""
    if name in __all__:
        from edgesmith.recipes import api

        return getattr(api, name)
    raise AttributeError(f"module 'edgesmith' has no attribute {name!r}")
