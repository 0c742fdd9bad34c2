"""Four ways to shift channels on a CPU, forward and backward, one thread.

    python benchmarks/shift.py

`nn.channel_layers.ChannelShift` is the depthwise filter. Milliseconds are the least of the rounds, in which all ways
take turns; ratios are to the filter.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from edgesmith.arch.presets import PRESETS, Preset
from edgesmith.arch.trace import Trace
from edgesmith.nn.build import LAYERS
from edgesmith.nn.channel_layers import shift_steps

SIZES: Final = ((96, 3, 32, 64), (192, 3, 16, 64), (384, 3, 8, 64), (256, 5, 56, 1), (512, 3, 14, 1))
Way = Callable[[Tensor], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare ways to shift channels.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(f"{'batch x channels x side, window':34} way                 forward ms  backward ms  ratio of both")
    for channels, kernel_size, side, batch in SIZES:
        times = time_ways(ways(channels, kernel_size, side), channels, side, batch, rounds)
        whole = sum(times["depthwise filter"])
        for name, (forward, backward) in times.items():
            size = f"{batch} x {channels} x {side}x{side}, {kernel_size}x{kernel_size}"
            print(
                f"{size:34} {name:18} {forward * 1e3:11.2f} {backward * 1e3:12.2f} {(forward + backward) / whole:14.2f}"
            )


def ways(channels: int, kernel_size: int, side: int) -> Mapping[str, Way]:
    """Functions of the same result; the last groups channels by direction, as the paper draws it."""
    half, window = kernel_size // 2, kernel_size * kernel_size
    steps = shift_steps(channels, kernel_size)
    moved = channels // window * window
    t = Trace()
    t.shift(t.open(channels, side, side), name="shift", kernel_size=kernel_size)
    layer = LAYERS[type(t.operations[0])](t.operations[0], PRESETS[Preset.PLAIN])
    rows = torch.tensor([row for row, _ in steps]).view(-1, 1, 1) + half + torch.arange(side).view(1, -1, 1)
    columns = torch.tensor([column for _, column in steps]).view(-1, 1, 1) + half + torch.arange(side).view(1, 1, -1)
    places = (rows * (side + 2 * half) + columns).flatten(1)

    def pad(x: Tensor) -> Tensor:
        return F.pad(x, (half, half, half, half))

    def gather(x: Tensor) -> Tensor:
        return pad(x).flatten(2).gather(2, places.expand(len(x), -1, -1)).view(x.shape)

    def slices(x: Tensor) -> Tensor:
        wide, made = pad(x), x.clone()
        for direction in range(window):
            row, column = divmod(direction, kernel_size)
            made[:, direction:moved:window] = wide[:, direction:moved:window, row : row + side, column : column + side]
        return made

    def contiguous(x: Tensor) -> Tensor:
        wide, share = pad(x), channels // window
        parts = []
        for direction in range(window):
            row, column = divmod(direction, kernel_size)
            begin = direction * share
            parts.append(wide[:, begin : begin + share, row : row + side, column : column + side])
        return torch.cat([*parts, x[:, moved:]], dim=1)

    return {"depthwise filter": layer, "gather": gather, "strided slices": slices, "contiguous slices": contiguous}


def time_ways(
    each: Mapping[str, Way], channels: int, side: int, batch: int, rounds: int
) -> dict[str, tuple[float, float]]:
    """Least seconds of the forward and of the backward pass."""
    x = torch.randn(batch, channels, side, side).contiguous(memory_format=torch.channels_last)
    best = {name: (float("inf"), float("inf")) for name in each}
    for _ in range(rounds):
        for name, way in each.items():
            source = x.clone().requires_grad_()
            begun = time.perf_counter()
            made = way(source * 1)
            middle = time.perf_counter()
            made.backward(x)  # type: ignore[no-untyped-call]  # as torch has it
            ended = time.perf_counter()
            best[name] = (min(best[name][0], middle - begun), min(best[name][1], ended - middle))
    return best


if __name__ == "__main__":
    main()
