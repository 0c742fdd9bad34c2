"""On which processor a session was: the same tables have different answers with and without wide instructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from paper.tables import Column, Row

# Sessions from before rows kept the instructions. In zoo_runtimes.py's rows of the first commit the matrix product of
# one thread comes to 255 GFLOP/s, which takes AVX-512; in best_file.py's with avx2 alone, to 97.
_BY_COMMIT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "9aa81f0": "of the kind Zen 4, with AVX-512 and VNNI",
        "b14f2ec": "of the kind Zen 3, with avx2 and without VNNI",
    }
)


def machine_of(row: Row) -> str:
    """The processor's name and what it multiplies with."""
    told = row.get("instructions")
    return f"{row['cpu']} " + (f"with {told}" if told else _BY_COMMIT.get(row["commit"], "of instructions not noted"))


def machine_lines(found: Sequence[Column]) -> list[str]:
    """Where and at which commits the sessions of a table were."""
    machines: dict[str, list[str]] = {}
    for column in found:
        commits = machines.setdefault(machine_of(column.row), [])
        if column.row["commit"] not in commits:
            commits.append(column.row["commit"])
    if not machines:
        return []
    told = "; ".join(f"{machine}, at commit {', '.join(commits)}" for machine, commits in machines.items())
    return [f"Measured on {told}.", ""]
