"""A small net, a device without a machine, and executors that fail or die at will."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import GateSpec, InvertedResidual
from edgesmith.arch.names import Activation, Skip
from edgesmith.arch.spec import NetSpec
from edgesmith.recipes.netadapt.trial import Trial, run_trial
from edgesmith.search.executors.base import Done
from edgesmith.search.executors.processes import Processes
from tests.devices.blocks.fakes import LawDevice, additive
from tests.devices.fakes import Noise

NO_NOISE = Noise(load=0.0, round=0.0, sample=0.0)


def small_net() -> NetSpec:
    """Two stages with a residual and a gate, at 32 pixels."""
    swish = Activation.HARD_SWISH
    gate = GateSpec(squeeze_channels=16)

    def block(expand: int, out: int, **values: Any) -> InvertedResidual:
        return InvertedResidual(kernel_size=3, expand_channels=expand, out_channels=out, activation=swish, **values)

    return NetSpec(
        name="small",
        family="test",
        blocks=(
            Conv(out_channels=16, kernel_size=3, stride=2, activation=swish),
            block(48, 24, stride=2),
            block(64, 24, skip=Skip.IDENTITY, gate=gate),
            block(72, 32, stride=2, gate=gate),
            Conv(out_channels=64, activation=swish),
        ),
        head=Classifier(),
        resolution=(32, 32),
        num_classes=10,
    )


def write_net(folder: Path) -> Path:
    path = folder / "small.json"
    path.write_text(json.dumps(small_net().to_json()))
    return path


@dataclass
class FolderDevice(LawDevice):
    """Takes bundles too, as the device ``torch`` does; the same latencies in each session."""

    noise: Noise = NO_NOISE
    shift: float = 0.0
    law: Callable[[NetSpec], float] = additive

    def _read(self, file: Path) -> tuple[str, float]:
        return super()._read(file / "spec.json" if file.is_dir() else file)


@dataclass
class Counting:
    """Runs jobs here and remembers them; stops the whole run after some, and gives some up.

    Attributes:
        stop_after: Jobs after which Ctrl-C is pressed; None for never.
        give_up: Numbers of jobs, over the whole run, whose worker dies twice.
        jobs: Where the answers of the jobs went.
    """

    stop_after: int | None = None
    give_up: tuple[int, ...] = ()
    jobs: list[str] = field(default_factory=list)
    slots: int = 1

    def run(self, work: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Done[Any]]:
        for number, job in enumerate(jobs):
            if self.stop_after is not None and len(self.jobs) >= self.stop_after:
                raise KeyboardInterrupt
            self.jobs.append(f"{job.out.parent.parent.name}/{job.out.name}")
            if len(self.jobs) - 1 in self.give_up:
                yield Done(number=number, failure="its worker died twice")
            else:
                yield Done(number=number, answer=work(job))

    def close(self) -> None:
        return None


def place_of(trial: Trial) -> str:
    """Step and number of a proposal."""
    return f"{trial.out.parent.parent.name}/{trial.out.stem}"


@dataclass(frozen=True, kw_only=True)
class Deadly:
    """Tries proposals, and kills the process that does at some of them.

    Attributes:
        log: A line for each that was begun.
        deaths: How often a process dies of a proposal, by its place.
    """

    log: Path
    deaths: tuple[tuple[str, int], ...]

    def __call__(self, trial: Trial) -> dict[str, Any]:
        with self.log.open("a") as file:
            file.write(f"{place_of(trial)}\n")
        begun = self.log.read_text().split().count(place_of(trial))
        if begun <= dict(self.deaths).get(place_of(trial), 0):
            os.kill(os.getpid(), signal.SIGKILL)
        return run_trial(trial)


class Killing:
    """One process of its own, which dies at some proposals.

    Args:
        work: What it does instead of trying proposals.
    """

    def __init__(self, work: Deadly) -> None:
        self._work, self._inner, self.slots = work, Processes(1), 1

    def run(self, work: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Done[Any]]:
        assert work is run_trial
        return self._inner.run(self._work, jobs)

    def close(self) -> None:
        self._inner.close()


@dataclass
class Elsewhere:
    """Runs jobs as a cluster does: as copies, in another working directory.

    Attributes:
        folder: That directory.
    """

    folder: Path
    slots: int = 1

    def run(self, work: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Done[Any]]:
        for number, job in enumerate(jobs):
            with contextlib.chdir(self.folder):
                answer = work(pickle.loads(pickle.dumps(job)))
            yield Done(number=number, answer=answer)

    def close(self) -> None:
        return None
