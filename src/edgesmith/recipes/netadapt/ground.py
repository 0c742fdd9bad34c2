"""What the steps of a walk stand on, and where a walk can be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesmith.arch.spec import NetSpec
from edgesmith.core.progress import Progress
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.sources import absolute_data
from edgesmith.deploy.bundle import Bundle
from edgesmith.devices.base import Device
from edgesmith.engine.config import TrainConfig
from edgesmith.recipes.material import Material
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.netadapt.latency import LatencyLaw
from edgesmith.recipes.run_folder import Stages
from edgesmith.search.executors.base import Executor
from edgesmith.tasks.base import Task


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the walk is.

    Attributes:
        spec: The network, as it is trained.
        ms: Its latency, in milliseconds of the session that measured the seed first.
        high_ms: Upper end of that.
        accuracy: On the held-out pictures.
        interval: Ends of its 95 % interval.
        bundle: Its bundle.
    """

    spec: NetSpec
    ms: float
    high_ms: float
    accuracy: float
    interval: tuple[float, float]
    bundle: Bundle


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every step of a walk needs and none changes."""

    config: NetAdaptConfig
    base: TrainConfig
    material: Material
    task: Task
    rule: Preprocessing
    device: Device
    law: LatencyLaw
    seed_ms: float
    budget_ms: float
    executor: Executor
    folder: Path
    stages: Stages
    progress: Progress

    @property
    def data(self) -> str:
        """DATA as other processes and machines find it, wherever they were started."""
        return absolute_data(self.config.data)

    @property
    def epoch(self) -> int:
        """Pictures that proposals are tuned on, each once: a step needs no more mending than that."""
        return len(self.material.parted(self.config.seed)[0])
