"""``edgesmith devices profile``: a device's block table, timed, fitted to whole networks, and tried on others."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.caches import cache_folder
from edgesmith.core.config import to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import generator
from edgesmith.devices.base import Device
from edgesmith.devices.blocks import bench as benches
from edgesmith.devices.blocks.bench import Bench, Efforts
from edgesmith.devices.blocks.calibrate import LEAST_NETS, UNCALIBRATED, calibrate
from edgesmith.devices.blocks.files import Maker, maker_for
from edgesmith.devices.blocks.gate import NUM_NETS, HeldOut, is_in_range, judge
from edgesmith.devices.blocks.levels import Level
from edgesmith.devices.blocks.library import Trial, anchor_key, open_files, open_store
from edgesmith.devices.blocks.population import FAMILIES, draw_ancestors, draw_relatives
from edgesmith.devices.blocks.sandwich import pieces_of
from edgesmith.devices.blocks.store import Purpose, Store
from edgesmith.devices.blocks.table import BlockTable
from edgesmith.devices.table import get_device

_DRAWS_AT_MOST: Final = 3
_SPARE: Final = 1.35  # a fifth of the networks drawn lies outside the range, and a second batch takes long
_LEAST_QUIET: Final = 3


@dataclass(frozen=True, kw_only=True)
class ProfilePlan:
    """What a table is fitted to and tried on.

    Args:
        families: Zoo names whose relatives are drawn.
        nets: Networks that the fit begins with.
        seed: Draws them, and the held-out ones.
        efforts: How often and how long each is timed.
        processes: Exports side by side; None takes as many as there are cores.
    """

    families: tuple[str, ...] = FAMILIES
    nets: int = 26
    seed: int = 0
    efforts: Efforts = benches.DEFAULT
    processes: int | None = None

    def __post_init__(self) -> None:
        if self.nets < LEAST_NETS:
            raise UsageError(f"a table is fitted to at least {LEAST_NETS} networks, got {self.nets}")


DEFAULT_PLAN: Final = ProfilePlan()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What became of the table.

    Attributes:
        device: The device as typed.
        path: The file that holds the table.
        pieces: Pieces whose latency is known.
        trial: The fit and its gate.
        trials: Trials so far, this one included.
    """

    device: str
    path: Path
    pieces: int
    trial: Trial
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON of ``edgesmith devices profile``."""
        data = self.trial.to_json()
        return {
            "device": self.device,
            "table": str(self.path),
            "pieces": self.pieces,
            "trials": self.trials,
            "gate": data["gate"],
            "calibration": to_dict(self.trial.calibration),
            "seconds": self.trial.seconds,
        }


def profile(
    device: str, *, plan: ProfilePlan = DEFAULT_PLAN, overwrite: bool = False, progress: Progress = SILENT
) -> Profile:
    """Make the block table of a device, or go on with it; a table that has passed is left as it is.

    Args:
        device: One device, as typed.
        plan: What is drawn, and how it is timed.
        overwrite: Throw away what an earlier run left.
        progress: Told of each stage.

    Raises:
        DeviceError: The device cannot time files, or is too busy to; what was timed is kept.
    """
    found = get_device(device)
    return profile_device(
        found,
        maker=maker_for(found.format),
        cache=cache_folder(),
        plan=plan,
        overwrite=overwrite,
        progress=progress,
    )


def profile_device(
    device: Device,
    *,
    maker: Maker,
    cache: Path,
    plan: ProfilePlan = DEFAULT_PLAN,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> Profile:
    """See `profile`.

    Args:
        device: Where to measure.
        maker: Makes the files that it takes.
        cache: Folder of tables and files.
        plan: What is drawn, and how it is timed.
        overwrite: Throw away what an earlier run left.
        progress: Told of each stage.
    """
    store = open_store(device, cache)
    try:
        if overwrite:
            store.forget()
        files = open_files(maker, cache, processes=plan.processes)
        bench = Bench(device, files, store, efforts=plan.efforts, seed=plan.seed)
        trials = [Trial.from_json(each) for each in store.trials()]
        if not trials or not trials[-1].gate.passed:
            trial = _Attempt(bench, store, plan, progress).run(trials)
            store.add_trial(trial.to_json())
            trials.append(trial)
        pieces = len(bench.levels(Purpose.PIECES))
    finally:
        store.close()
    return Profile(device=device.name, path=store.path, pieces=pieces, trial=trials[-1], trials=len(trials))


class _Attempt:
    """One fit and its gate."""

    def __init__(self, bench: Bench, store: Store, plan: ProfilePlan, progress: Progress) -> None:
        self._bench = bench
        self._store = store
        self._plan = plan
        self._progress = progress
        self._ancestors = draw_ancestors(generator(plan.seed, "ancestors"), plan.families)
        self._begun = time.monotonic()

    def run(self, earlier: Sequence[Trial]) -> Trial:
        """Fit to drawn networks and to those that earlier gates held out; then hold out new ones.

        All levels are settled once everything was timed, for what a machine calls undisturbed moves in a quarter of an
        hour; the fit knows the latencies of the fitted networks alone.
        """
        self._bench.listen()
        failed = [trial for trial in earlier if not trial.gate.contended]
        known = self._store.nets()
        fitted = [*self._draw("fit", self._plan.nets), *(known[key] for trial in failed for key in trial.held_out)]
        self._time(fitted)
        held_out = self._hold_out(fitted, len(failed))
        pieces, nets = self._bench.levels(Purpose.PIECES), self._bench.levels(Purpose.NETS)
        pieces_ms = {key: level.ms for key, level in pieces.items()}
        sums = [BlockTable(pieces_ms, UNCALIBRATED).add_up(spec) for spec in fitted]
        calibration = calibrate(sums, [nets[model_hash(spec)].ms for spec in fitted])
        gate = judge(
            [_held_out(spec, nets[model_hash(spec)], BlockTable(pieces_ms, calibration)) for spec in held_out],
            disturbed_pieces=sum(not level.quiet for level in pieces.values()) / len(pieces),
        )
        return Trial(
            calibration=calibration,
            gate=gate,
            anchor_ms=pieces_ms[anchor_key()],
            held_out=tuple(map(model_hash, held_out)),
            seconds=time.monotonic() - self._begun,
        )

    def _draw(self, label: str, count: int) -> list[NetSpec]:
        relatives = draw_relatives(self._ancestors, generator(self._plan.seed, label))
        return list(islice(relatives, count))

    def _time(self, specs: Sequence[NetSpec]) -> None:
        """Time networks and their pieces; all files are made first."""
        pieces = {piece.key: piece for spec in specs for piece in pieces_of(spec)}.values()
        self._progress.note(f"{len(specs)} networks, {len(pieces)} different pieces: export and time what is new")
        small = [net for piece in pieces for net in (piece.net, piece.base) if net is not None]
        self._bench.make_files([*small, *specs], progress=self._progress)
        self._bench.time(Purpose.PIECES, small, gives_up=True, progress=self._progress)
        self._bench.time(Purpose.NETS, specs, gives_up=True, progress=self._progress)

    def _hold_out(self, fitted: Sequence[NetSpec], number: int) -> list[NetSpec]:
        """Draw and time networks until enough lie in the gate's range, in the order drawn."""
        used = {model_hash(spec) for spec in fitted}
        label = f"held-out {number}"
        fresh = [spec for spec in self._draw(label, _DRAWS_AT_MOST * NUM_NETS) if model_hash(spec) not in used]
        kept: list[NetSpec] = []
        taken = 0
        while len(kept) < NUM_NETS and taken < len(fresh):
            taken += math.ceil(_SPARE * (NUM_NETS - len(kept)))
            self._time(fresh[:taken])
            found = self._bench.levels(Purpose.NETS)
            middle = median(found[model_hash(spec)].ms for spec in fitted)
            kept = [spec for spec in fresh[:taken] if is_in_range(found[model_hash(spec)].ms, middle)]
        return kept[:NUM_NETS]


def _held_out(spec: NetSpec, level: Level, table: BlockTable) -> HeldOut:
    return HeldOut(
        name=spec.name,
        ms=level.ms,
        predicted=table.predict(spec),
        madds=count_total(spec).madds,
        quiet=level.quiet >= _LEAST_QUIET,
    )
