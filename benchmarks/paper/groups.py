"""What a table's networks are to the benchmark: their names, what each is compared with, what is timed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find

FLOAT: Final = "float32"
INT8: Final = "int8"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One network of a group.

    Attributes:
        name: What the tables call it; unique in its group.
        spec: The network.
        against: Name of the network that it is compared with.
        plain: H-swish is written out as sum, clip, quotient and product, as runtimes without an operator for it have
            it; float files only.
    """

    name: str
    spec: NetSpec
    against: str
    plain: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """Networks that are timed side by side, in one session a device.

    Attributes:
        entries: The networks.
        precisions: Number formats that the group is timed in unless it is asked for by name.
        beside_float: Its int8 files take turns with the float files of the same runtime.
    """

    entries: tuple[Entry, ...]
    precisions: tuple[str, ...] = (FLOAT, INT8)
    beside_float: bool = False

    def of_precision(self, precision: str) -> tuple[Entry, ...]:
        """The networks that have files of a precision."""
        return tuple(entry for entry in self.entries if precision == FLOAT or not entry.plain)


def zoo_entry(name: str, text: str, against: str) -> Entry:
    """A network of the zoo."""
    return Entry(name=name, spec=find(text), against=against)
