"""This machine as a device, over one of the runtimes."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edgesmith.core.errors import DeviceError
from edgesmith.core.seed import generator
from edgesmith.deploy.base import FLOAT32, file_kind
from edgesmith.devices.base import Array, Fingerprint, Session
from edgesmith.devices.clock import Clock, SystemClock
from edgesmith.devices.conditions import cpu_name, system_name
from edgesmith.devices.cores import Cores
from edgesmith.devices.plan import Plan
from edgesmith.devices.session import Load, Run, time_session
from edgesmith.devices.together import Prepared
from edgesmith.runtimes.base import Loaded, Runtime, TensorInfo


class LocalDevice:
    """Times and runs a runtime's files on this machine.

    Args:
        runtime: What loads and runs the files.
        name: The device as the user typed it.
        threads: Threads that share one run.
        options: The runtime's settings, as typed.
        precision: Number format of the files that are meant.
        clock: Read around every timed stretch.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        name: str | None = None,
        threads: int = 1,
        options: Mapping[str, str] | None = None,
        precision: str = FLOAT32,
        clock: Clock | None = None,
    ) -> None:
        self.name = name or runtime.name
        self.format = file_kind(runtime.format, precision)
        self._precision = precision
        self._runtime = runtime
        self.threads = threads
        self._options = dict(options or {})
        self.clock = clock or SystemClock(threads=threads)
        self._cores = Cores(threads)

    def fingerprint(self) -> Fingerprint:
        """The setting that the latencies belong to."""
        return local_fingerprint(
            device=self.name,
            runtime=self._runtime.name,
            version=self._runtime.version(),
            threads=self.threads,
            options=self._options,
            precision=self._precision,
        )

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        """Time files side by side; see `edgesmith.devices.base.Device`."""
        self._cores = self._cores.again()
        with self.prepared(files, plan.seed) as prepared:
            return time_session(
                prepared.loads,
                plan,
                fingerprint=self.fingerprint(),
                clock=self.clock,
                cores=self._cores,
            )

    @contextmanager
    def prepared(self, files: Sequence[Path], seed: int) -> Iterator[Prepared]:
        """What loads each file anew; see `edgesmith.devices.together.LocalRuns`."""
        yield Prepared(loads=[self._load(file, seed) for file in files])

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        """Every output of the file for one batch."""
        return self.open(file).run_all(images)

    def open(self, file: Path) -> Loaded:
        """The file in this device's runtime, with its threads and options."""
        return self._runtime.load(file, threads=self.threads, options=self._options)

    def _load(self, file: Path, seed: int) -> Load:
        def load() -> Run:
            loaded = self.open(file)
            images = random_images(loaded.inputs[0], seed=seed)
            return lambda: loaded.run_all(images)

        return load


def local_fingerprint(
    *,
    device: str,
    runtime: str,
    version: str,
    threads: int,
    options: Mapping[str, str],
    precision: str = FLOAT32,
) -> Fingerprint:
    """The fingerprint of a device on this machine."""
    return Fingerprint(
        device=device,
        runtime=runtime,
        version=version,
        precision=precision,
        threads=threads,
        options=tuple(sorted(f"{name}={value}" for name, value in options.items())),
        cpu=cpu_name(),
        os=system_name(),
        python=platform.python_version(),
    )


def random_images(info: TensorInfo, *, seed: int) -> Array:
    """One picture of noise in the shape and type that a file asks for.

    Raises:
        DeviceError: The type is not one that pictures have.
    """
    rng = generator(seed, "images")
    shape = info.sized()
    if info.dtype == "uint8":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    if info.dtype == "int8":
        return rng.integers(-128, 128, shape, dtype=np.int8)
    if info.dtype in ("float32", "float16"):
        return rng.standard_normal(shape, dtype=np.float32).astype(info.dtype)
    raise DeviceError(f"input {info.name!r} is {info.dtype}; pictures are float32, float16, uint8 or int8")
