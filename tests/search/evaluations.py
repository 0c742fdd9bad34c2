"""Evaluations for tests of studies: importable by worker processes, and each leaves a line in a log."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from edgesmith.arch.space.choices import Choice, Encoding, Space
from edgesmith.core.errors import DeviceError
from edgesmith.core.files import append_line, read_lines
from edgesmith.search.strategies.base import Result

SPACE = Space([Choice(name=f"layer{index + 1}", options=("nothing", "3x3", "5x5")) for index in range(8)])
"""NAS-Bench-Macro's, without its networks."""


def worth(point: Encoding) -> float:
    """Between 0 and 1, another value at each point; highest where all are 2 except the first."""
    total = sum(int(3**place) * value for place, value in enumerate((2 - point[0], *point[1:])))
    return float(total / (3 ** len(point) - 1))


def judge(values: Any) -> Result:
    """The accuracy is all that counts."""
    return Result(score=values["accuracy"])


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """Worth of a point as its accuracy.

    Attributes:
        log: Takes a line for each evaluation that was begun.
        seconds: That it takes.
        refused: Points that cannot be evaluated.
        deadly: For a point, how many of its evaluations kill the process that runs them.
    """

    log: Path
    seconds: float = 0.0
    refused: tuple[Encoding, ...] = ()
    deadly: tuple[tuple[Encoding, int], ...] = ()

    def __call__(self, point: Encoding) -> dict[str, float]:
        append_line(self.log, json.dumps({"point": point, "process": os.getpid()}))
        if sum(each == point for each in evaluated(self.log)) <= dict(self.deadly).get(point, 0):
            os.kill(os.getpid(), signal.SIGKILL)
        if point in self.refused:
            raise DeviceError(f"{point} does not fit")
        time.sleep(self.seconds)
        return {"accuracy": self.accuracy(point), "parameters": float(sum(point))}

    def accuracy(self, point: Encoding) -> float:
        return worth(point)


@dataclass(frozen=True, kw_only=True)
class Macro(Synthetic):
    """Mean accuracy in NAS-Bench-Macro.

    Attributes:
        table: The file.
    """

    table: Path

    def accuracy(self, point: Encoding) -> float:
        return float(_read(self.table)["".join(map(str, point))]["mean_acc"]) / 100


def evaluated(log: Path) -> list[Encoding]:
    """Points whose evaluation was begun, in order, repeated ones again."""
    return [tuple(line["point"]) for line in read_lines(log)]


@lru_cache(maxsize=1)
def _read(table: Path) -> Any:
    return json.loads(table.read_text())
