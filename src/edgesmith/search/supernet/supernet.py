"""A trained supernet: scores the nets of its space without training them, and hands them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import BudgetError
from edgesmith.engine.batches import EvaluationBatch
from edgesmith.engine.evaluate import Evaluation, eager, evaluate
from edgesmith.nn.build import Net, build
from edgesmith.search.supernet.active import ActiveNet
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.tasks.base import Task


@dataclass(frozen=True, kw_only=True)
class Judge:
    """What nets are scored with: the same pictures for all of them.

    Attributes:
        task: Gives the metric.
        held_out: Gives the batches of a held-out part of train, anew at each call, at the largest net's resolution.
        calibration: Batches ``(N, 3, H, W)`` of train, as evaluation would show them, for the norms' statistics.
        seed: Of the bootstrap intervals.
    """

    task: Task
    held_out: Callable[[], Iterable[EvaluationBatch]]
    calibration: Sequence[Tensor]
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Extract:
    """A net that stands alone.

    Attributes:
        spec: The net; its JSON rebuilds it.
        state: Every tensor of it, with the re-estimated norm statistics, on the CPU.
    """

    spec: NetSpec
    state: dict[str, Tensor]

    def build(self) -> Net:
        """The net with its weights, in evaluation mode."""
        net = build(self.spec)
        net.load_state_dict(self.state)
        return net.eval()


class Supernet:
    """The weights of a whole space.

    Attributes:
        family: Which weights belong to which net.
        net: The largest net.
        pictures: Pictures seen in training, each by all nets of its step.
        seconds: Time spent on training.
    """

    def __init__(
        self, family: Family, net: Net, judge: Judge, draw: Draw, *, pictures: int = 0, seconds: float = 0.0
    ) -> None:
        """Take a largest net.

        Args:
            family: Which weights belong to which net.
            net: The largest net, trained, on the device that is to score.
            judge: What nets are scored with.
            draw: Draws nets within the caller's limit.
            pictures: Pictures seen in training.
            seconds: Time spent on training.
        """
        self.family, self.net, self.pictures, self.seconds = family, net.eval(), pictures, seconds
        self._judge, self._draw = judge, draw

    def spec(self, point: Encoding) -> NetSpec:
        """The net of a point."""
        return self.family.space.decode(point)

    def allows(self, point: Encoding) -> bool:
        """Whether a net is within the caller's limit."""
        return self._draw.allows(point)

    def sample(self, rng: np.random.Generator) -> Encoding:
        """A point within the caller's limit."""
        return self._draw.point(rng)

    def active(self, point: Encoding) -> ActiveNet:
        """A net that runs on views of the weights, in evaluation mode, its norms newly estimated."""
        return ActiveNet(self.family, self.net.state_dict(), point, self._judge.calibration)

    def evaluate(self, point: Encoding) -> Evaluation:
        """All metrics of a net on the held-out part; a function of the weights and the point alone.

        Raises:
            BudgetError: The net is above the caller's limit.
        """
        if not self.allows(point):
            raise BudgetError(f"{self.spec(point).name} is above the limit of this search; it is not scored")
        return evaluate(eager(self.active(point)), self._judge.held_out(), self._judge.task, seed=self._judge.seed)

    def score(self, point: Encoding) -> float:
        """The task's score of a net on the held-out part, such as top-1, 0..1.

        Raises:
            BudgetError: The net is above the caller's limit.
        """
        return float(self.evaluate(point).metrics[self._judge.task.score_name])

    def extract(self, point: Encoding) -> Extract:
        """A net that stands alone; its answers are those of `active`, bit by bit."""
        active = self.active(point)
        return Extract(spec=active.spec, state=active.state())
