"""What one core of this machine can do at most: matrix products and copies, measured once and kept."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import EdgesmithError
from edgesmith.core.files import read_json, write_json
from edgesmith.core.seed import generator
from edgesmith.devices.clock import Clock, SystemClock
from edgesmith.devices.conditions import cpu_name, system_name
from edgesmith.devices.cores import Cores
from edgesmith.devices.roofline.product import FLOAT32_PRODUCT, INT8_PRODUCT, Product, encode_product
from edgesmith.runtimes.onnxruntime import OnnxRuntime

_FOLDER: Final = "machine"
_SIZE: Final = 512
_ROUNDS: Final = 60
_LEAST_ROUNDS: Final = 4
_LIMIT_S: Final = 0.6
_SMALLEST: Final = 1 << 15
_LARGEST: Final = 1 << 27
_BEYOND_CACHE: Final = 4
_STEP: Final = 4
_ROOT: Final = Path("/")


@dataclass(frozen=True, kw_only=True)
class Bandwidth:
    """How fast data of a size is copied.

    Attributes:
        bytes: What the copy touches: source and target together.
        gbs: Billions of bytes a second, read and written.
    """

    bytes: int
    gbs: float


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The limits of one core.

    Attributes:
        cpu: The processor's own name.
        os: Operating system and machine type.
        version: Of ONNX Runtime, whose products were timed.
        float32_gflops: Billions of float operations a second; a multiply-add is two.
        int8_gflops: The same of whole numbers with 8 bits.
        bandwidths: Of copies that fit into the nearest cache up to some far larger than the last one, by size.
    """

    cpu: str
    os: str
    version: str
    float32_gflops: float
    int8_gflops: float
    bandwidths: tuple[Bandwidth, ...]

    @property
    def memory_gbs(self) -> float:
        """Bandwidth of the memory itself."""
        return self.bandwidths[-1].gbs

    def fastest_gbs(self, num_bytes: int) -> float:
        """A bandwidth that data of a size cannot pass: the best of all copies that are not much smaller."""
        below = [index for index, each in enumerate(self.bandwidths) if each.bytes <= num_bytes]
        return max(each.gbs for each in self.bandwidths[below[-1] if below else 0 :])


def load_machine(cache: Path, *, measure: Callable[[], Machine] | None = None) -> Machine:
    """This machine's limits as measured before, else measured now (a few seconds) and kept.

    Args:
        cache: Folder of things that can be made again.
        measure: What measures them; None takes `measure_machine`.
    """
    setting = {"cpu": cpu_name(), "os": system_name(), "version": OnnxRuntime().version()}
    name = hashlib.sha256(json.dumps(setting, sort_keys=True).encode()).hexdigest()[:12]
    path = cache / _FOLDER / f"{name}.json"
    if path.is_file():
        try:
            return from_dict(Machine, read_json(path))
        except EdgesmithError:  # damaged, or written by another version: it is measured anew
            pass
    machine = (measure or measure_machine)()
    write_json(path, to_dict(machine))
    return machine


def measure_machine(*, clock: Clock | None = None) -> Machine:
    """Measure the limits on the least busy core."""
    clock = clock or SystemClock()
    with Cores(1).pinned():
        return Machine(
            cpu=cpu_name(),
            os=system_name(),
            version=OnnxRuntime().version(),
            float32_gflops=product_gflops(FLOAT32_PRODUCT, clock=clock),
            int8_gflops=product_gflops(INT8_PRODUCT, clock=clock),
            bandwidths=tuple(copy_bandwidth(size, clock=clock) for size in _sizes()),
        )


def product_gflops(product: Product, *, clock: Clock, size: int = _SIZE) -> float:
    """Billions of operations a second in products of square matrices on one thread; the best of many counts."""
    rng = generator(0, "product")
    left, right = (rng.integers(0, 100, (size, size)).astype(dtype) for dtype in (product.left, product.right))
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder:
        path = Path(folder) / "product.onnx"
        path.write_bytes(encode_product(product, right))
        loaded = OnnxRuntime().load(path, threads=1)
        return 2 * size**3 / _best_s(lambda: loaded.run(left), clock) / 1e9


def copy_bandwidth(num_bytes: int, *, clock: Clock) -> Bandwidth:
    """How fast one thread copies; source and target together are ``num_bytes``."""
    source = np.ones(num_bytes // 8, np.float32)
    target = np.zeros_like(source)
    repeats = max(1, (_LARGEST >> 5) // num_bytes)

    def copy() -> None:
        for _ in range(repeats):
            np.copyto(target, source)

    return Bandwidth(bytes=num_bytes, gbs=repeats * num_bytes / _best_s(copy, clock) / 1e9)


def _best_s(run: Callable[[], object], clock: Clock) -> float:
    """The shortest of many runs, on the core where that is told: other work can only make one longer."""
    begun, best = clock.wall_s(), float("inf")
    for number in range(_ROUNDS):
        if number >= _LEAST_ROUNDS and clock.wall_s() - begun > _LIMIT_S:
            break
        cpu, wall = clock.cpu_s(), clock.wall_s()
        run()
        cpu_after, wall_after = clock.cpu_s(), clock.wall_s()
        best = min(best, wall_after - wall if cpu is None or cpu_after is None else cpu_after - cpu)
    return best


def _sizes(root: Path = _ROOT) -> list[int]:
    """From the nearest cache to far beyond the last one, each four times the one before."""
    largest = max(_LARGEST, _BEYOND_CACHE * _last_cache_bytes(root))
    sizes = [_SMALLEST]
    while sizes[-1] < largest:
        sizes.append(sizes[-1] * _STEP)
    return sizes


def _last_cache_bytes(root: Path) -> int:
    """The largest cache of the first core; 0 where the system does not tell."""
    found = [0]
    for file in (root / "sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        try:
            text = file.read_text().strip()
            found.append(int(text.rstrip("KM")) << {"K": 10, "M": 20}.get(text[-1:], 0))
        except (OSError, ValueError):
            continue
    return max(found)
