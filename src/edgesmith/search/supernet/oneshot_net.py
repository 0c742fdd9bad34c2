"""The net that a one-shot search trains: the largest one, which answers as whichever net is drawn."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from edgesmith.arch.space.choices import Encoding
from edgesmith.core.seed import generator
from edgesmith.nn.build import Net
from edgesmith.search.supernet.active import Shells
from edgesmith.search.supernet.chosen import Chosen
from edgesmith.search.supernet.drawing import Draw
from edgesmith.search.supernet.family import Family
from edgesmith.search.supernet.watcher import Watcher


class OneShotNet(nn.Module):
    """The largest net; in training it answers as the net that was drawn for the step.

    Shape: ``(N, 3, H, W) -> (N, num_classes)``.

    Args:
        family: Whose nets.
        net: The largest; holds all weights.
        draw: Draws nets in the warm-up.
        warmup_share: Share of the run in which the policy is off.
        seed: Of the draws.
    """

    watcher: Watcher | None = None

    def __init__(self, family: Family, net: Net, draw: Draw, *, warmup_share: float, seed: int) -> None:
        super().__init__()
        self.net = net
        self._family, self._draw, self._warmup_share, self._seed = family, draw, warmup_share, seed
        self._shells, self._chosen = Shells(family), Chosen(points=(family.largest,))

    def __deepcopy__(self, memo: dict[int, Any]) -> OneShotNet:
        """A copy with weights of its own that follows the same draws; it has no policy."""
        twin = OneShotNet(
            self._family,
            copy.deepcopy(self.net, memo),
            self._draw,
            warmup_share=self._warmup_share,
            seed=self._seed,
        )
        twin._chosen = self._chosen
        return twin.train(self.training)

    @property
    def point(self) -> Encoding:
        """The net of the present step."""
        return self._chosen.points[0]

    def at_(self, share: float) -> None:
        """Let the policy learn, once it is on, and draw the net of the step at a share of the run."""
        rng = generator(self._seed, "oneshot", repr(share))
        if self.watcher is not None:
            self.watcher.recall(share)
        if share < self._warmup_share or self.watcher is None:
            widest = rng.random() >= share / self._warmup_share if self._warmup_share else False
            is_largest = widest and self._draw.allows(self._family.largest)
            point = self._family.largest if is_largest else self._draw.point(rng)
        else:
            self.train()
            self.watcher.see(self.answer, next(self.net.parameters()).device, share=share)
            point = self._family.space.normal(self.watcher.policy.sample(1, rng)[0][0])
        self._chosen.points = (point,)

    def answer(self, point: Encoding, images: Tensor) -> Tensor:
        """Logits of a net with the norms of this batch."""
        if point == self._family.largest:
            answers: Tensor = self.net(images)
            return answers
        return self._shells.run(self._state(), point, images)

    def forward(self, images: Tensor) -> Tensor:
        """Answers of the largest net, in training of the step's net."""
        if not self.training:
            answers: Tensor = self.net(images)
            return answers
        # Every weight takes part, if with nothing: processes and optimisers then see the same ones in each step.
        rest = torch.stack([parameter.flatten()[0] for parameter in self.net.parameters()]).sum()
        return self.answer(self.point, images) + 0.0 * rest

    def _state(self) -> dict[str, Tensor]:
        return dict(self.net.named_parameters()) | dict(self.net.named_buffers())
