"""Optional packages: imported where they are used, and named by their extra when they are missing."""

from __future__ import annotations

import importlib
import importlib.metadata
from types import ModuleType

from edgesmith.core.errors import MissingExtraError, first_line


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: Dotted name of the module.
        extra: The extra of edgesmith that installs it.

    Raises:
        MissingExtraError: The package, or one that it needs, is not installed or does not import.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise MissingExtraError(f"{missing} is not installed; pip install 'edgesmith[{extra}]' brings it") from None
    except (ImportError, RuntimeError, OSError) as error:
        raise MissingExtraError(f"{module} does not import ({first_line(error)}); run: edgesmith doctor") from None


def package_version(distribution: str, *, extra: str) -> str:
    """The version of an optional package, without importing it.

    Args:
        distribution: Its name on PyPI.
        extra: The extra of edgesmith that installs it.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtraError(
            f"{distribution} is not installed; pip install 'edgesmith[{extra}]' brings it"
        ) from None
