"""What a held-out part of train says of a run's weights on the way: events, and the best evaluation so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import nn

from edgesmith.core.errors import RunError
from edgesmith.engine.batches import EvaluationBatch
from edgesmith.engine.checkpoint import CheckpointFolder
from edgesmith.engine.evaluate import Evaluation, eager, evaluate
from edgesmith.engine.log import Event, Log
from edgesmith.engine.plan import Plan
from edgesmith.engine.state import Best, TrainState, copy_
from edgesmith.engine.world import World
from edgesmith.tasks.base import Task

Batches = Callable[[], Iterable[EvaluationBatch]]


class HeldOut:
    """The part, and what is told of it.

    Args:
        batches: Gives its batches, anew at each call; None for runs without one.
        task: Gives metric and score.
        plan: Gives seed and numbers of pictures.
        world: The processes that score together.
        log: Takes the events.
    """

    def __init__(self, batches: Batches | None, task: Task, plan: Plan, world: World, log: Log) -> None:
        self._batches, self._task, self._plan, self._world, self._log = batches, task, plan, world, log

    def score(self, state: TrainState, *, seconds: float) -> Evaluation | None:
        """Score raw and averaged weights, each told once a step; the evaluation of the averaged ones, if there are.

        Args:
            state: Gets the best evaluation so far.
            seconds: Spent so far, for the event.
        """
        if self._batches is None:
            return None
        result = None
        nets = {"raw": state.net} | ({} if state.average is None else {"average": state.average.net})
        known = {event["weights"] for event in self._log.events if _is_evaluation_at(event, state.step)}
        for name, net in nets.items():
            self._world.agree_(net)
            result = evaluate(eager(net), self._batches(), self._task, seed=self._plan.config.seed, world=self._world)
            if name not in known:
                self._record(name, result, state, seconds)
        return result

    def take_best_(
        self, state: TrainState, checkpoints: CheckpointFolder | None, *, note: Callable[[str], None]
    ) -> Best | None:
        """Put the weights of the best evaluation into the net, where the config wants them and they are kept.

        Args:
            state: Its net changes.
            checkpoints: Where they are kept; None for runs in memory, which end with the last weights.
            note: Told which weights are used.
        """
        best = state.best
        if self._plan.config.use != "best" or checkpoints is None:
            return None
        if best is None:
            note("use=best needs a held-out part, which this training has not: the last weights are used")
            return None
        try:
            tensors = checkpoints.at(best.step).tensors
        except RunError as error:
            note(f"{error}; the last weights are used in place of the best")
            return None
        copy_(state.net, tensors, prefix="net." if best.weights == "raw" else "average.")
        note(f"the {best.weights} weights of step {best.step} are used, the best on the held-out part")
        return best

    def score_alone(self, net: nn.Module) -> Evaluation | None:
        """Score a net in this process, without an event."""
        if self._batches is None:
            return None
        return evaluate(eager(net), self._batches(), self._task, seed=self._plan.config.seed)

    def _record(self, name: str, result: Evaluation, state: TrainState, seconds: float) -> None:
        score = float(result.metrics[self._task.score_name])
        values = {
            "pictures": self._plan.pictures_at(state.step),
            "weights": name,
            "num_images": result.num_images,
            "metrics": result.figures,
            "seconds": seconds,
        }
        self._log.add("evaluation", step=state.step, values=values)
        if state.best is None or score > state.best.score:
            state.best = Best(step=state.step, score=score, weights=name)


def _is_evaluation_at(event: Event, step: int) -> bool:
    return bool(event["kind"] == "evaluation" and event["step"] == step)
