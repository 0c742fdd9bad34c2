"""Where the tables of devices lie, one for each setting, and what became of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgesmith import __version__
from edgesmith.arch.spec import model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices.base import Device
from edgesmith.devices.blocks.bench import ANCHOR, Bench
from edgesmith.devices.blocks.calibrate import Calibration
from edgesmith.devices.blocks.files import FileCache, Maker
from edgesmith.devices.blocks.gate import Gate
from edgesmith.devices.blocks.levels import Level
from edgesmith.devices.blocks.sandwich import Piece
from edgesmith.devices.blocks.store import FILE_NAME, Purpose, Store
from edgesmith.devices.blocks.table import BlockTable

_TABLES: Final = "tables"
_FILES: Final = "files"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One fit of a table with its gate.

    Attributes:
        calibration: The fit.
        gate: How it did on held-out networks.
        anchor_ms: Level of the anchor among the pieces at the time: later readings are brought to it.
        held_out: Model hashes of the held-out networks.
        seconds: How long the run took that ended with it.
    """

    calibration: Calibration
    gate: Gate
    anchor_ms: float
    held_out: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the verdict spelled out."""
        data = to_dict(self)
        data["gate"] |= {"passed": self.gate.passed, "reasons": list(self.gate.reasons())}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """Read what `to_json` wrote.

        Raises:
            DeviceError: It is something else.
        """
        try:
            gate = {key: value for key, value in data["gate"].items() if key not in ("passed", "reasons")}
            return from_dict(cls, {**data, "gate": gate})
        except (UsageError, KeyError, TypeError, AttributeError) as error:
            raise DeviceError(
                f"a block table's record cannot be read ({error}); profile the device again, with --overwrite"
            ) from None


def setting_of(device: Device) -> dict[str, Any]:
    """What a table belongs to: the device's fingerprint, and the edgesmith whose exporters wrote the files."""
    return {"edgesmith": __version__, **to_dict(device.fingerprint())}


def table_path(device: Device, cache: Path) -> Path:
    """Where the table of a device lies, or would."""
    setting = json.dumps(setting_of(device), sort_keys=True)
    name = re.sub(r"[^\w.=-]+", "-", device.name)
    return cache / _TABLES / f"{name}-{hashlib.sha256(setting.encode()).hexdigest()[:12]}" / FILE_NAME


def open_store(device: Device, cache: Path) -> Store:
    """The records of a device's table, made if there are none.

    Raises:
        DeviceError: They are damaged or cannot be written.
    """
    return Store(table_path(device, cache), setting=setting_of(device))


def open_files(maker: Maker, cache: Path, *, processes: int | None = None) -> FileCache:
    """The cache of model files; see `FileCache`."""
    return FileCache(cache / _FILES, maker, processes=processes)


def trials_of(device: Device, cache: Path) -> tuple[Trial, ...]:
    """How the device's table did, the first trial first; none if it was never profiled."""
    if not table_path(device, cache).is_file():
        return ()
    store = open_store(device, cache)
    try:
        return tuple(map(Trial.from_json, store.trials()))
    finally:
        store.close()


def load_table(device: Device, cache: Path, maker: Maker) -> BlockTable:
    """The table of a device, which times pieces that it does not know when it is asked for them.

    Raises:
        DeviceError: The device was never profiled, or its table was refused; says why and what to do.
    """
    trials = trials_of(device, cache)
    if not trials:
        raise DeviceError(f"{device.name} has no block table yet; make one: edgesmith devices profile {device.name}")
    trial = trials[-1]
    if not trial.gate.passed:
        raise DeviceError(refusal(device.name, trial.gate))
    store = open_store(device, cache)
    bench = Bench(device, open_files(maker, cache), store)

    def learn(pieces: Sequence[Piece]) -> Mapping[str, float]:
        nets = [net for piece in pieces for net in (piece.net, piece.base) if net is not None]
        return at_anchor(bench.time(Purpose.PIECES, nets), trial.anchor_ms)

    levels = at_anchor(bench.levels(Purpose.PIECES), trial.anchor_ms)
    return BlockTable(levels, trial.calibration, learn=learn)


def refusal(name: str, gate: Gate) -> str:
    """Why a table may not be used, and the way out, on one line."""
    way_out = (
        f"run edgesmith devices profile {name} again when the machine is quieter; what was timed undisturbed counts"
        if gate.contended
        else f"run edgesmith devices profile {name} again: these networks join the fit, and others are drawn"
    )
    return f"the block table of {name} is refused: {'; '.join(gate.reasons())}. {way_out}"


def at_anchor(levels: Mapping[str, Level], anchor_ms: float) -> dict[str, float]:
    """Milliseconds by key, as they would be had the anchor taken ``anchor_ms``."""
    anchor = levels[anchor_key()].ms
    return {key: level.ms * anchor_ms / anchor for key, level in levels.items()}


def anchor_key() -> str:
    """Model hash of the anchor."""
    return model_hash(find(ANCHOR))
