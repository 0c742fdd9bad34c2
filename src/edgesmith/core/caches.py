"""Where things are kept that can be made again: tables of devices, files of blocks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """``$EDGESMITH_CACHE``, else ``edgesmith`` in ``$XDG_CACHE_HOME``, else ``~/.cache/edgesmith``.

    Args:
        environment: Variables of the process.
    """
    own = environment.get("EDGESMITH_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    shared = environment.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache").absolute() / "edgesmith"
