"""What a shell offers for a value that was begun; files stand beside it, as shells complete them anyway."""

from __future__ import annotations

from collections.abc import Iterable


def models(begun: str) -> list[str]:
    """Zoo names, and behind the ``@`` the options that every network has."""
    from edgesmith.arch.zoo.names import COMMON
    from edgesmith.arch.zoo.table import MODELS

    before, at, _ = begun.rpartition("," if "," in begun else "@")
    return _starting(begun, [f"{before}{at}{option}=" for option in COMMON] if at else MODELS)


def devices(begun: str) -> list[str]:
    """Devices, and behind a comma another one."""
    from edgesmith.devices.table import DEVICES

    return _listed(begun, DEVICES)


def formats(begun: str) -> list[str]:
    """Formats of files, and behind a comma another one."""
    from edgesmith.deploy.formats import FORMATS

    return _listed(begun, FORMATS)


def strategies(begun: str) -> list[str]:
    """Search strategies."""
    from edgesmith.search.strategies.table import STRATEGIES

    return _starting(begun, STRATEGIES)


def spaces(begun: str) -> list[str]:
    """Search spaces."""
    from edgesmith.arch.space.presets import SPACES

    return _starting(begun, ["auto", *SPACES])


def efforts(begun: str) -> list[str]:
    """Efforts."""
    from edgesmith.recipes.effort import EFFORTS

    return _starting(begun, EFFORTS)


def _listed(begun: str, choices: Iterable[str]) -> list[str]:
    before, comma, _ = begun.rpartition(",")
    return _starting(begun, [f"{before}{comma}{choice}" for choice in choices])


def _starting(begun: str, choices: Iterable[str]) -> list[str]:
    return [choice for choice in choices if choice.startswith(begun)]
