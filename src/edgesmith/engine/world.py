"""The processes that train one net together, as torchrun or `edgesmith.recipes.together` started them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """One of some processes; alone by default, when everything here is free.

    Attributes:
        rank: Which one, from 0.
        size: How many there are.
        local_size: How many of them are on this machine.
    """

    rank: int = 0
    size: int = 1
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes files and talks to people."""
        return self.rank == 0

    @property
    def num_nodes(self) -> int:
        """Machines."""
        return self.size // self.local_size

    def gather(self, value: T) -> list[T]:
        """What every process has, in the order of ranks, in every process."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(found, value)
        return found

    def from_first(self, value: T) -> T:
        """What the first process has, in every process."""
        if self.size == 1:
            return value
        holder: list[Any] = [value]
        torch.distributed.broadcast_object_list(holder, src=0)
        first: T = holder[0]
        return first

    def total(self, value: Tensor) -> Tensor:
        """The sum over all processes, in every process."""
        if self.size == 1:
            return value
        summed = value.clone()
        torch.distributed.all_reduce(summed)
        return summed

    @torch.no_grad()
    def agree_(self, net: nn.Module) -> None:
        """Give every process the first one's buffers: each norm saw other pictures."""
        if self.size > 1:
            for buffer in net.buffers():
                torch.distributed.broadcast(buffer, src=0)


def find_world(environment: Mapping[str, str] = os.environ) -> World:
    """This process's place, as torchrun's variables tell it.

    Args:
        environment: Variables of the process.
    """
    size = int(environment.get("WORLD_SIZE", "1"))
    return World(
        rank=int(environment.get("RANK", "0")), size=size, local_size=int(environment.get("LOCAL_WORLD_SIZE", size))
    )
