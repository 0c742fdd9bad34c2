"""The executors by name. A new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.core.threads import max_threads
from edgesmith.search.executors.base import Executor
from edgesmith.search.executors.here import Here
from edgesmith.search.executors.processes import Processes
from edgesmith.search.executors.ray import Ray

Start: TypeAlias = Callable[[], Executor]


def _here(argument: str) -> Start:
    if argument:
        raise UsageError(f"executor here takes nothing, got {argument!r}; say here, or processes:{argument}")
    return Here


def _processes(argument: str) -> Start:
    if argument and not argument.isdecimal():
        raise UsageError(f"executor processes takes a number of processes, as in processes:4, got {argument!r}")
    return partial(Processes, int(argument) if argument else max_threads())


def _ray(argument: str) -> Start:
    """An address, and what a job takes, with commas between; ``ray://HOST:PORT`` is what Ray calls one of its own."""
    parts = [part for part in argument.split(",") if part]
    address = parts.pop(0) if parts and "=" not in parts[0] else ""
    needs = {"cpus": 1.0, "gpus": 0.0}
    for part in parts:
        name, _, value = part.partition("=")
        lookup(needs, name, what="need of a job")
        needs[name] = _number(name, value)
    address = f"ray:{address}" if address.startswith("//") else address
    return partial(Ray, address=address or None, num_cpus=needs["cpus"], num_gpus=needs["gpus"])


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"executor ray takes a number of {name}, as in ray:auto,{name}=0.5, got {value!r}") from None


EXECUTORS: Final[Mapping[str, Callable[[str], Start]]] = MappingProxyType(
    {
        "here": _here,
        "processes": _processes,
        "ray": _ray,
    }
)


def make_executor(text: str) -> Executor:
    """An executor from what was typed: ``here``, ``processes:4``, ``ray``, ``ray:ADDRESS``, ``ray:ADDRESS,gpus=0.5``.

    Raises:
        UsageError: It is unknown, or its argument is; names the choices.
        MissingExtraError: It needs a package that is not installed.
        RunError: There is no cluster at the address.
    """
    return check_executor(text)()


def check_executor(text: str) -> Start:
    """What `make_executor` calls, with nothing started or joined yet.

    Raises:
        UsageError: It is unknown, or its argument is; names the choices.
    """
    name, _, argument = text.partition(":")
    return lookup(EXECUTORS, name, what="executor")(argument)
