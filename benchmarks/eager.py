"""Our nets against torchvision's in eager PyTorch: inference at batch one, training steps and loops, one thread each.

    python benchmarks/eager.py
    python benchmarks/eager.py --models mobilenet_v3_small --rounds 40 --json
    python benchmarks/eager.py --out benchmarks/results/eager.jsonl

Both sides run in the memory layout that is faster for them. Several freshly built copies a side take turns in every
round, because a copy's place in memory alone moves its time by some percent; the interval is a bootstrap over rounds
and copies. "No slower" means that its upper end is at most 1.03. Time is the processor's, which is the wall's for one
thread on an idle machine and does not count what other programs take on a busy one; ``--clock wall`` counts it too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from rows import read_commit, read_instructions
from torch import Tensor, nn
from training_loop import STEPS, ours, plain, write_photographs

from edgesmith.arch.zoo.names import find
from edgesmith.core.files import append_line
from edgesmith.data.loader import Batch
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.plan import Plan
from edgesmith.engine.step import prepare
from edgesmith.nn.build import build
from edgesmith.nn.fold import fold_norms
from edgesmith.tasks.classification import Classification

LAYOUTS: Final = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
NO_SLOWER: Final = 1.03
CLASSES: Final = 1000

CLOCKS: Final = {"cpu": time.process_time, "wall": time.perf_counter}

Work = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One comparison: seconds of a call on both sides, and ours over theirs with its 95 % interval."""

    model: str
    what: str
    layout: str
    peer_layout: str
    ours_ms: float
    peer_ms: float
    ratio: float
    low: float
    high: float


def main() -> None:
    options = parse_options()
    torch.set_num_threads(1)
    results = []
    for model in options.models:
        results += compare_inference(model, options)
        if options.train_rounds:
            results.append(compare_training(model, options))
        if options.loop_rounds:
            results.append(compare_loops(model, options))
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        print_table(results)
    if options.out:
        key = {
            "commit": read_commit(),
            "seed": options.seed,
            "clock": options.clock,
            "instructions": read_instructions(),
        }
        for result in results:
            append_line(options.out, json.dumps(key | asdict(result)))
    sys.exit(any(result.high > NO_SLOWER for result in results))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare eager speed with torchvision's.")
    parser.add_argument("--models", nargs="+", default=["mobilenet_v3_large", "mobilenet_v3_small"])
    parser.add_argument("--copies", type=int, default=6, help="freshly built nets a side")
    parser.add_argument("--rounds", type=int, default=40, help="rounds of inference")
    parser.add_argument("--train-rounds", type=int, default=40, help="rounds of training steps; 0 leaves them out")
    parser.add_argument("--loop-rounds", type=int, default=12, help="rounds of whole loops; 0 leaves them out")
    parser.add_argument("--train-copies", type=int, default=5, help="freshly built nets a side in training")
    parser.add_argument("--batch-size", type=int, default=32, help="pictures of a training step")
    parser.add_argument("--train-resolution", type=int, default=128, help="side of its pictures")
    parser.add_argument("--clock", choices=CLOCKS, default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, help="append the comparisons to this file too, a line each")
    return parser.parse_args()


def compare_inference(model: str, options: argparse.Namespace) -> list[Result]:
    """Our net as it is built, and with folded norms, against torchvision's."""
    makers: dict[str, Callable[[], nn.Module]] = {
        "inference": lambda: build(find(model)).eval(),
        "inference, norms folded": lambda: fold_norms(build(find(model))),
    }

    def make_peer() -> nn.Module:
        return peer_net(model).eval()

    clock = CLOCKS[options.clock]
    peer_layout = faster_layout(make_peer, clock=clock)
    rng = np.random.default_rng(options.seed)
    results = []
    for what, make in makers.items():
        layout = faster_layout(make, clock=clock)
        ours = [infer(make(), layout) for _ in range(options.copies)]
        peers = [infer(make_peer(), peer_layout) for _ in range(options.copies)]
        seconds = time_rounds([*ours, *peers], rounds=options.rounds, calls=5, rng=rng, clock=clock)
        results.append(summarise(model, what, (layout, peer_layout), seconds, rng=rng))
    return results


def compare_training(model: str, options: argparse.Namespace) -> Result:
    """Our whole step, average of weights included, against forward, backward and AdamW as one would write them."""
    rng, clock = np.random.default_rng(options.seed), CLOCKS[options.clock]
    side, count = options.train_resolution, options.batch_size
    images, targets = torch.randn(count, 3, side, side), torch.randint(CLASSES, (count,))
    layouts = {name: train_peer(peer_net(model), images, targets, layout=name) for name in LAYOUTS}
    trial = time_rounds(list(layouts.values()), rounds=4, calls=1, rng=rng, clock=clock).min(axis=1)
    peer_layout = list(layouts)[int(trial.argmin())]
    ours = [train_ours(model, images, targets) for _ in range(options.train_copies)]
    peers = [train_peer(peer_net(model), images, targets, layout=peer_layout) for _ in range(options.train_copies)]
    seconds = time_rounds([*ours, *peers], rounds=options.train_rounds, calls=1, rng=rng, clock=clock)
    return summarise(model, f"training step of {count}", ("channels_last", peer_layout), seconds, rng=rng)


def compare_loops(model: str, options: argparse.Namespace) -> Result:
    """Our loop, with its loader, against a plain one on the same JPEG files."""
    rng, clock = np.random.default_rng(options.seed), CLOCKS[options.clock]
    size: dict[str, int] = {"batch_size": options.batch_size, "side": options.train_resolution}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photographs(folder, count=8 * options.batch_size)
        trial = {key: plain(model, folder, layout=layout, **size) for key, layout in LAYOUTS.items()}
        fastest = time_rounds(list(trial.values()), rounds=2, calls=1, rng=rng, clock=clock).min(axis=1)
        layout = list(trial)[int(fastest.argmin())]
        mine = [ours(model, folder, **size) for _ in range(options.train_copies)]
        peers = [plain(model, folder, layout=LAYOUTS[layout], **size) for _ in range(options.train_copies)]
        seconds = time_rounds([*mine, *peers], rounds=options.loop_rounds, calls=1, rng=rng, clock=clock)
    what = f"loop, {STEPS * options.batch_size} pictures"
    return summarise(model, what, ("channels_last", layout), seconds, rng=rng)


def peer_net(model: str) -> nn.Module:
    net: nn.Module = torchvision.models.get_model(model, weights=None)
    return net


def infer(net: nn.Module, layout: str) -> Work:
    """One picture through a net in a layout."""
    net = net.to(memory_format=LAYOUTS[layout])
    image = torch.randn(1, 3, 224, 224).contiguous(memory_format=LAYOUTS[layout])

    def run() -> None:
        with torch.inference_mode():
            net(image)

    return run


def faster_layout(make: Callable[[], nn.Module], *, clock: Clock) -> str:
    """The layout of least time in a short trial."""
    works = [infer(make(), layout) for layout in LAYOUTS]
    best = time_rounds(works, rounds=10, calls=2, rng=np.random.default_rng(0), clock=clock).min(axis=1)
    return list(LAYOUTS)[int(best.argmin())]


def train_ours(model: str, images: Tensor, targets: Tensor) -> Work:
    """A step of the engine under its default config."""
    count, side = len(images), images.shape[-1]
    config = TrainConfig(batch_size=count)
    plan = Plan(config=config, resolution=(side, side), num_images=count, num_batches=1)
    task = Classification([str(n) for n in range(CLASSES)], label_smoothing=config.label_smoothing)
    updater = prepare(build(find(model).with_resolution(side)), task, plan, device="cpu")
    batch = Batch(images=images, targets=nn.functional.one_hot(targets, CLASSES).float(), labels=targets)
    return lambda: updater.run(batch, rate=1e-3)


def train_peer(net: nn.Module, images: Tensor, targets: Tensor, *, layout: str) -> Work:
    """The plain loop's body."""
    net = net.train().to(memory_format=LAYOUTS[layout])
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    images = images.contiguous(memory_format=LAYOUTS[layout])

    def run() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(net(images), targets, label_smoothing=0.1))
        optimizer.step()

    return run


def time_rounds(
    works: Sequence[Work], *, rounds: int, calls: int, rng: np.random.Generator, clock: Clock
) -> NDArray[np.float64]:
    """Seconds of each work in each round; in a round every work has one turn, in random order.

    Args:
        works: What is timed.
        rounds: Counted rounds; one more comes first.
        calls: Calls in a turn, of which the fastest counts; a call before them brings the net into the cache.
        rng: Source of the order.
        clock: Seconds.
    """
    seconds = np.empty((len(works), rounds + 1))
    for column in range(rounds + 1):
        for row in rng.permutation(len(works)):
            if calls > 1:
                works[row]()
            seconds[row, column] = min(time_call(works[row], clock=clock) for _ in range(calls))
    return seconds[:, 1:]


def time_call(work: Work, *, clock: Clock) -> float:
    begun = clock()
    work()
    return clock() - begun


def summarise(
    model: str, what: str, layouts: tuple[str, str], seconds: NDArray[np.float64], *, rng: np.random.Generator
) -> Result:
    """Ours over theirs: within a round the mean of the copies' logarithms, over the rounds the median."""
    ours, peers = np.split(np.log(seconds), 2)
    copies, rounds = ours.shape
    draws = []
    for _ in range(2000):
        columns = rng.integers(rounds, size=rounds)
        mine, theirs = (side[rng.integers(copies, size=copies)][:, columns].mean(axis=0) for side in (ours, peers))
        draws.append(np.median(mine - theirs))
    low, high = np.exp(np.quantile(draws, [0.025, 0.975]))
    return Result(
        model=model,
        what=what,
        layout=layouts[0],
        peer_layout=layouts[1],
        ours_ms=1e3 * float(np.exp(np.median(ours))),
        peer_ms=1e3 * float(np.exp(np.median(peers))),
        ratio=float(np.exp(np.median(ours.mean(axis=0) - peers.mean(axis=0)))),
        low=float(low),
        high=float(high),
    )


def print_table(results: Sequence[Result]) -> None:
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {torch.get_num_threads()} thread")
    print(f"{'model':20} {'what':24} {'ours ms':>9} {'theirs ms':>9} {'ratio':>6}  95 % interval   no slower")
    for r in results:
        verdict = "yes" if r.high <= NO_SLOWER else "no"
        print(
            f"{r.model:20} {r.what:24} {r.ours_ms:9.2f} {r.peer_ms:9.2f} {r.ratio:6.3f}  "
            f"{r.low:.3f} to {r.high:.3f}  {verdict}"
        )


if __name__ == "__main__":
    main()
