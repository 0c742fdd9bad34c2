"""What a policy saw of the nets that it drew, kept so that it can be rebuilt by replay."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import RunError
from edgesmith.core.files import append_line, read_lines, write_text
from edgesmith.search.objective import Reward
from edgesmith.search.strategies.base import Result, Trial
from edgesmith.search.supernet.policy import TunasPolicy

Validation = Sequence[tuple[Tensor, Tensor]]
"""Batches of held-out pictures ``(N, 3, H, W)`` with class indices ``(N,)``; published: four times a training batch."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One step of the policy.

    Attributes:
        share: Of the run, 0..1, when it was made.
        point: The net that was drawn.
        accuracy: Of the shared weights on one batch of held-out pictures, 0..1.
        latency_ms: As predicted.
        reward: What the policy learned from.
    """

    share: float
    point: Encoding
    accuracy: float
    latency_ms: float
    reward: float


class Watcher:
    """Lets a policy see what it draws, and keeps what it saw: its state is rebuilt by replay.

    Args:
        policy: Learns.
        validation: Batches, taken in turn.
        latency: Milliseconds of a net.
        reward: Of accuracy and latency.
        path: Takes one JSON line a step; None keeps them in memory.
    """

    def __init__(
        self,
        policy: TunasPolicy,
        validation: Validation,
        latency: Callable[[NetSpec], float],
        reward: Reward,
        path: Path | None,
    ) -> None:
        self.policy, self.history = policy, list[Sight]()
        self._validation, self._latency, self._reward, self._path = validation, latency, reward, path
        self._is_new = True

    def recall(self, share: float) -> None:
        """On the first call bring the policy to where it was at a share of the run, and forget what came after.

        Raises:
            RunError: The history there is of another search.
        """
        if not self._is_new:
            return
        self._is_new = False
        if self._path is None or not self._path.is_file():
            return
        rows = [Sight(**row | {"point": tuple(row["point"])}) for row in read_lines(self._path)]
        for sight in rows:
            if sight.share >= share:
                break
            (point,) = self.policy.ask(1)
            if point != sight.point:
                raise RunError(f"{self._path} is of another search; give another folder, or start anew")
            self._tell(sight)
        write_text(self._path, "".join(_line(sight) + "\n" for sight in self.history))

    def see(self, answer: Callable[[Encoding, Tensor], Tensor], device: torch.device, *, share: float) -> None:
        """One step of the policy.

        Args:
            answer: Logits of a net for images.
            device: Where they are computed.
            share: Of the run.
        """
        (point,) = self.policy.ask(1)
        images, labels = self._validation[len(self.history) % len(self._validation)]
        with torch.no_grad():
            logits = answer(point, images.to(device).contiguous(memory_format=torch.channels_last))
        accuracy = float((logits.argmax(dim=1).cpu() == labels).double().mean())
        ms = float(self._latency(self.policy.family.space.decode(point)))
        sight = Sight(share=share, point=point, accuracy=accuracy, latency_ms=ms, reward=self._reward.of(accuracy, ms))
        self._tell(sight)
        if self._path is not None:
            append_line(self._path, _line(sight))

    def _tell(self, sight: Sight) -> None:
        self.history.append(sight)
        self.policy.tell([Trial(point=sight.point, result=Result(score=sight.reward))])


def _line(sight: Sight) -> str:
    return json.dumps(sight.__dict__)
