"""Lightning Fabric, started quietly, in the precision that the device gains by."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import torch

from edgesmith.core.errors import UsageError
from edgesmith.core.seed import derive
from edgesmith.core.table import unknown
from edgesmith.engine.world import World

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_PRECISIONS: Final[Mapping[str, Literal["32-true", "bf16-mixed", "16-mixed"]]] = MappingProxyType(
    {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
)
DEVICES: Final = ("auto", "cpu", "cuda", "mps")
ALONE: Final = World()


def launch(*, device: str, precision: str, world: World = ALONE) -> Fabric:
    """A Fabric on one device, or one of a group on theirs.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        world: The processes that train together.
        precision: As in `TrainConfig.precision`.

    Raises:
        UsageError: The device or the precision is not to be had here.
    """
    kind = _resolve_device(device)
    fabric_precision = _resolve_precision(precision, kind)
    with quiet():
        from lightning.fabric import Fabric

        if world.size == 1:
            return Fabric(accelerator=kind, devices=1, precision=fabric_precision)
        fabric = Fabric(
            accelerator=kind,
            devices=world.local_size,
            num_nodes=world.num_nodes,
            strategy="ddp",
            precision=fabric_precision,
        )
        fabric.launch()
        return fabric


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's tips and device remarks from standard error."""
    # Importing Lightning sets the levels of its own loggers, so only the switch above them all holds.
    disabled = logging.root.manager.disable
    logging.disable(max(disabled, logging.INFO))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextmanager
def isolated_randomness(device: torch.device) -> Iterator[None]:
    """Leave torch's default generators as they were found; inside, each step seeds them by `seed_step`."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


def seed_step(seed: int, step: int, device: torch.device, *, rank: int = 0) -> None:
    """Make dropout a function of seed, step and process, so that no generator state has to survive a kill."""
    value = derive(seed, "step", step, *([rank] if rank else []))
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        torch.cuda.manual_seed(value)


def _resolve_device(device: str) -> str:
    if device not in DEVICES:
        raise unknown(device, DEVICES, what="training device")
    present = ["cpu"]
    if torch.backends.mps.is_available():
        present.insert(0, "mps")
    if torch.cuda.is_available():
        present.insert(0, "cuda")
    if device != "auto" and device not in present:
        raise UsageError(f"training device {device!r} is not here; choices: auto, {', '.join(present)}")
    return present[0] if device == "auto" else device


def _resolve_precision(precision: str, device: str) -> Literal["32-true", "bf16-mixed", "16-mixed"]:
    """Fabric's name; ``auto`` is mixed on a GPU, and 32 bits elsewhere, where mixing costs time."""
    if precision == "auto":
        if device != "cuda":
            return "32-true"
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
    if precision == "16" and device == "cpu":
        raise UsageError("precision '16' needs a GPU; choices on the CPU: auto, 32, bf16")
    return _PRECISIONS[precision]
