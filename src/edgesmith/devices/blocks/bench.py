"""Times many files in many short sessions, until each has been timed often enough while nothing disturbed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.config import to_dict
from edgesmith.core.errors import DeviceError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.seed import derive, generator
from edgesmith.devices.base import Device, Session, conditions_to_dict
from edgesmith.devices.blocks.files import FileCache
from edgesmith.devices.blocks.levels import Level, Readings, settle
from edgesmith.devices.blocks.store import Purpose, Store
from edgesmith.devices.plan import Plan
from edgesmith.devices.statistics import assess_contention, choose_basis, resample

ANCHOR: Final = "mobilenet_v3_small@resolution=96"

# Of such a stretch five other programs on two cores disturbed a quarter at most, a busy loop on each core most.
_STRETCH: Final = 24
_MOST_DISTURBED: Final = 0.5

# Pieces are small and steady once they are warm; what differs is where a loading puts them, and the time of day.
_PIECE_PLAN: Final = Plan(
    loads=2,
    load_s=0.015,
    min_rounds=4,
    max_rounds=8,
    samples=2,
    sample_ms=0.15,
    warmup_runs=4,
    warmup_s=0.05,
)
_NET_PLAN: Final = Plan(loads=2, load_s=0.06, min_rounds=4, max_rounds=8, warmup_s=0.04)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How files of one purpose are timed.

    Attributes:
        plan: Of one session.
        enough: Undisturbed sessions that each file takes part in.
        most: Sessions of each file that one call takes at most, however disturbed they are.
        files: Files in a session, the anchor included.
        company: How many of them have been timed before, at least; they tie new sessions to old ones.
    """

    plan: Plan
    enough: int
    most: int
    files: int
    company: int


@dataclass(frozen=True, kw_only=True)
class Efforts:
    """The efforts of both purposes."""

    pieces: Effort = field(default=Effort(plan=_PIECE_PLAN, enough=6, most=10, files=16, company=3))
    nets: Effort = field(default=Effort(plan=_NET_PLAN, enough=8, most=14, files=9, company=2))

    def of(self, purpose: Purpose) -> Effort:
        """The effort of one purpose."""
        return self.pieces if purpose is Purpose.PIECES else self.nets


DEFAULT: Final = Efforts()


class Bench:
    """Times networks on a device and keeps what it finds.

    Args:
        device: Where.
        files: Makes and keeps their files.
        store: Keeps each session as soon as it is over.
        efforts: How often and how long.
        seed: Deals the files to sessions.
    """

    def __init__(
        self, device: Device, files: FileCache, store: Store, *, efforts: Efforts = DEFAULT, seed: int = 0
    ) -> None:
        self._device = device
        self._files = files
        self._store = store
        self._efforts = efforts
        self._seed = seed
        self._anchor = find(ANCHOR)
        self._anchor_key = model_hash(self._anchor)
        self._nets = store.nets() | {self._anchor_key: self._anchor}

    def levels(self, purpose: Purpose) -> dict[str, Level]:
        """What is known so far, by model hash."""
        return settle(self._store.sessions(purpose))

    def make_files(self, specs: Iterable[NetSpec], *, progress: Progress = SILENT) -> None:
        """Export what has no file yet, so that nothing is exported while something is timed."""
        self._files.make([self._anchor, *specs], progress=progress)

    def listen(self) -> None:
        """Time the anchor alone for some seconds, before anything is exported; nothing of it is kept.

        Raises:
            DeviceError: Other work disturbed most sessions.
        """
        self.make_files(())
        self._give_up_if_busy([self._read(Purpose.PIECES, [self._anchor_key], turn)[0] for turn in range(_STRETCH)])

    def time(
        self, purpose: Purpose, specs: Iterable[NetSpec], *, gives_up: bool = False, progress: Progress = SILENT
    ) -> dict[str, Level]:
        """Time networks until each has its sessions; what was timed before counts.

        Args:
            purpose: How they are timed.
            specs: The networks; small ones that hold a piece, or whole ones.
            gives_up: Whether to stop on a machine that is never in peace, rather than take what it gives.
            progress: Told of each session.

        Returns:
            The level of everything that was ever timed for this purpose, by model hash. A network with no undisturbed
            session has ``quiet`` 0.

        Raises:
            DeviceError: Other work disturbed most sessions, and ``gives_up``.
        """
        wanted = {model_hash(spec): spec for spec in specs}
        self.make_files(wanted.values(), progress=progress)
        effort = self._efforts.of(purpose)
        self._nets.update(wanted)
        done = self._store.sessions(purpose)
        known = len(done)
        levels = settle(done)
        missing = sum(effort.enough - _quiet(levels, key) for key in _needy(wanted, levels, effort))
        with progress.stage(f"time {purpose.value}", missing, "readings") as stage:
            for _ in range(effort.most):
                needy = _needy(wanted, levels, effort)
                if not needy:
                    break
                for keys in self._deal(needy, list(levels), effort, turn=len(done)):
                    readings = self._session(purpose, keys, len(done))
                    done.append(readings)
                    if gives_up:
                        self._give_up_if_busy(done[known:])
                    stage.advance(0 if readings.contended else len(set(keys) & set(needy)), detail=_detail(readings))
                levels = settle(done)
        return levels

    def _give_up_if_busy(self, sessions: Sequence[Readings]) -> None:
        disturbed = sum(each.contended for each in sessions)
        if len(sessions) >= _STRETCH and disturbed > _MOST_DISTURBED * len(sessions):
            name = self._device.name
            raise DeviceError(
                f"contended: other work disturbed {disturbed} of {len(sessions)} sessions on {name}, and a block table "
                f"made so would be refused. Stop that work, then run edgesmith devices profile {name} again; what was "
                "timed undisturbed counts"
            )

    def _deal(self, needy: Sequence[str], timed: Sequence[str], effort: Effort, *, turn: int) -> Iterator[list[str]]:
        """Shuffled hands, each with the anchor, filled up with files that were timed before."""
        rng = generator(self._seed, "deal", turn)
        deck = [key for key in _shuffled(needy, rng) if key != self._anchor_key]
        others = [key for key in timed if key != self._anchor_key and key not in set(needy)]
        room = effort.files - 1 - min(effort.company, len(others))
        num_hands = max(1, -(-len(deck) // room))
        for index in range(num_hands):
            hand = [self._anchor_key, *deck[index::num_hands]]
            yield hand + _shuffled(others, rng)[: max(effort.company, effort.files // 2 - len(hand))]

    def _session(self, purpose: Purpose, keys: Sequence[str], turn: int) -> Readings:
        """Time one hand and keep it."""
        readings, conditions = self._read(purpose, keys, turn)
        self._store.add_session(purpose, readings, {key: self._nets[key] for key in keys}, conditions)
        return readings

    def _read(self, purpose: Purpose, keys: Sequence[str], turn: int) -> tuple[Readings, dict[str, Any]]:
        """Time one hand."""
        nets = [self._nets[key] for key in keys]
        self._files.make(nets)  # of old nets, where somebody has emptied the folder
        plan = replace(self._efforts.of(purpose).plan, seed=derive(self._seed, purpose.value, turn))
        return read_session(self._device.time([self._files.path(spec) for spec in nets], plan), keys)


def read_session(session: Session, keys: Sequence[str]) -> tuple[Readings, dict[str, Any]]:
    """The reading of each file, and what went on meanwhile."""
    contention = assess_contention(session)
    point = resample(session, choose_basis(session, contention), rng=np.random.default_rng(0), draws=1)
    log_ms = {key: float(value) for key, value in zip(keys, point.log_ms, strict=True)}
    conditions = {**conditions_to_dict(session.conditions), **to_dict(contention), "seconds": session.seconds}
    return Readings(contended=contention.contended, log_ms=log_ms), conditions


def _needy(keys: Iterable[str], levels: Mapping[str, Level], effort: Effort) -> list[str]:
    """Those that want for undisturbed sessions."""
    return [key for key in keys if _quiet(levels, key) < effort.enough]


def _quiet(levels: Mapping[str, Level], key: str) -> int:
    return levels[key].quiet if key in levels else 0


def _shuffled(keys: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [keys[index] for index in rng.permutation(len(keys)).tolist()]


def _detail(readings: Readings) -> str:
    return "disturbed by other work" if readings.contended else ""
