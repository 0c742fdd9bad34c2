"""PyTorch itself as a device: eager modules, in the memory layout that suits them better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from edgesmith.core.errors import DeviceError
from edgesmith.core.extras import require
from edgesmith.core.seed import generator
from edgesmith.core.table import lookup
from edgesmith.devices.base import Array, Fingerprint, Session
from edgesmith.devices.clock import Clock, SystemClock
from edgesmith.devices.cores import Cores
from edgesmith.devices.local import local_fingerprint
from edgesmith.devices.plan import Plan
from edgesmith.devices.session import Load, Run, time_session
from edgesmith.devices.together import Prepared

if TYPE_CHECKING:
    from torch import nn

_LAYOUTS: Final[Mapping[str, str]] = {"channels_last": "channels_last", "contiguous": "contiguous_format"}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "auto": tuple(_LAYOUTS),
    "channels_last": ("channels_last",),
    "contiguous": ("contiguous",),
}
_PROBE_RUNS: Final = 12
_PROBE_WARMUP: Final = 4
_PROBE_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class LoadedModule:
    """A module with the pictures that it takes.

    Attributes:
        module: Maps images to logits or to a tuple of tensors.
        input_shape: ``(N, 3, H, W)`` of what it is timed on.
    """

    module: nn.Module
    input_shape: tuple[int, int, int, int]


ModuleLoader: TypeAlias = Callable[[Path], LoadedModule]


class TorchDevice:
    """Times eager PyTorch modules on this machine's processor, in inference mode.

    Args:
        load_module: Makes the module of a file, with its weights; called anew for each loading.
        name: The device as the user typed it.
        threads: Threads that share one run.
        layout: ``channels_last``, ``contiguous``, or ``auto``: both are tried on each file, and the faster one is kept.
        clock: Read around every timed stretch.
    """

    format: Final = "torch"
    option_names: Final = ("layout",)

    def __init__(
        self,
        load_module: ModuleLoader,
        *,
        name: str = "torch",
        threads: int = 1,
        layout: str = "auto",
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._load_module = load_module
        self.threads = threads
        self._layout = layout
        self._layouts = lookup(_CHOICES, layout, what="value of layout")
        self._chosen: dict[Path, tuple[str, str]] = {}
        self.clock = clock or SystemClock(threads=threads)

    def fingerprint(self) -> Fingerprint:
        """The setting that the latencies belong to."""
        return local_fingerprint(
            device=self.name,
            runtime="torch",
            version=str(require("torch", extra="train").__version__),
            threads=self.threads,
            options={"layout": self._layout},
        )

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        """Time modules side by side; see `edgesmith.devices.base.Device`."""
        cores = Cores(self.threads)
        with ExitStack() as stack:
            with cores.pinned():
                prepared = stack.enter_context(self.prepared(files, plan.seed))
            return time_session(
                prepared.loads,
                plan,
                fingerprint=self.fingerprint(),
                clock=self.clock,
                cores=cores,
                notes=prepared.notes,
            )

    @contextmanager
    def prepared(self, files: Sequence[Path], seed: int) -> Iterator[Prepared]:
        """What loads each file anew, in the layout that suits it; see `edgesmith.devices.together.LocalRuns`."""
        with _quiet_torch(self.threads):
            notes = [self._choose_layout(file, seed) for file in dict.fromkeys(files)]
            yield Prepared(loads=[self._load(file, seed) for file in files], notes=notes)

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        """Every output of the module for one batch."""
        torch = require("torch", extra="train")
        with _quiet_torch(self.threads):
            outputs = self._open(file).module.eval()(torch.from_numpy(np.ascontiguousarray(images)))
        return tuple(tensor.numpy() for tensor in (outputs if isinstance(outputs, tuple) else (outputs,)))

    def _open(self, file: Path) -> LoadedModule:
        if not file.exists():
            raise DeviceError(f"no such model: {file}")
        return self._load_module(file)

    def _load(self, file: Path, seed: int) -> Load:
        def load() -> Run:
            return self._arrange(file, self._chosen[file][0], seed)

        return load

    def _arrange(self, file: Path, layout: str, seed: int) -> Run:
        """A run of the file's module, anew, with weights and pictures in one layout."""
        torch = require("torch", extra="train")
        loaded = self._open(file)
        memory_format = getattr(torch, _LAYOUTS[layout])
        module = loaded.module.eval().to(memory_format=memory_format)
        noise = generator(seed, "images").standard_normal(loaded.input_shape, dtype=np.float32)
        images = torch.from_numpy(noise).contiguous(memory_format=memory_format)
        return lambda: module(images)

    def _choose_layout(self, file: Path, seed: int) -> str:
        """Keep the layout that is faster for this file.

        Returns:
            A line that says which, and by how much.
        """
        if file not in self._chosen:
            best_ms = self._probe({layout: self._arrange(file, layout, seed) for layout in self._layouts})
            layout = min(best_ms, key=lambda name: best_ms[name])
            others = [f", {ms:.2f} ms in {name}" for name, ms in best_ms.items() if name != layout]
            self._chosen[file] = (layout, f"{_called(file)}: {layout} ({best_ms[layout]:.2f} ms{''.join(others)})")
        return self._chosen[file][1]

    def _probe(self, runs: Mapping[str, Run]) -> dict[str, float]:
        """The best time on the core of each layout, milliseconds, tried in turns."""
        best = dict.fromkeys(runs, float("inf"))
        begun = self.clock.wall_s()
        for turn in range(_PROBE_WARMUP + _PROBE_RUNS):
            if self.clock.wall_s() - begun > _PROBE_S and all(ms < float("inf") for ms in best.values()):
                break
            for layout, run in runs.items():
                started, cpu = self.clock.wall_s(), self.clock.cpu_s()
                run()
                cpu_after, ended = self.clock.cpu_s(), self.clock.wall_s()
                taken = ended - started if cpu is None or cpu_after is None else cpu_after - cpu
                if turn >= _PROBE_WARMUP or self.clock.wall_s() - begun > _PROBE_S:
                    best[layout] = min(best[layout], taken * 1e3)
        return best


def _called(file: Path) -> str:
    """The file's name; a folder's with the one that it lies in, because all bundles are called alike."""
    return "/".join(file.parts[-2:]) if file.is_dir() else file.name


@contextmanager
def _quiet_torch(threads: int) -> Iterator[None]:
    """Inference mode with a fixed number of threads; both are put back at the end."""
    torch = require("torch", extra="train")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
