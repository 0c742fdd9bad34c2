"""Model files of untrained nets, made once and kept by the hash of the net."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Protocol

from edgesmith import __version__
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.errors import ExportError, UsageError
from edgesmith.core.extras import require
from edgesmith.core.files import write_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.threads import max_threads
from edgesmith.core.workers import leave_with_parent
from edgesmith.deploy.base import SINGLE
from edgesmith.deploy.formats import get_exporter

_WORTH_A_POOL: Final = 8
_CHUNK: Final = 4
_TORCH_SUFFIX: Final = ".json"


class Maker(Protocol):
    """Makes a model file of an untrained net."""

    @property
    def suffix(self) -> str:
        """End of the files' names, with the dot."""

    @property
    def version(self) -> str:
        """What the files' content depends on beside the net, fit for a folder's name."""

    def __call__(self, spec: NetSpec, path: Path) -> None:
        """Write the file whole, or not at all."""


@dataclass(frozen=True, kw_only=True)
class ExportMaker:
    """Makes files by the exporter of a format, for one picture at a time: an open batch size takes longer to write.

    Args:
        format: Name in the table of formats.
    """

    format: str

    @property
    def suffix(self) -> str:
        """The exporter's."""
        return get_exporter(self.format).suffix

    @property
    def version(self) -> str:
        """The format, and a digest of the versions of edgesmith and of all that the exporter works with."""
        names = importlib.metadata.packages_distributions()
        packages = ("torch", *get_exporter(self.format).packages)
        installed = [name for package in packages for name in names.get(package, ())[:1]]
        text = " ".join([__version__, *(f"{name} {importlib.metadata.version(name)}" for name in installed)])
        return f"{self.format}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def __call__(self, spec: NetSpec, path: Path) -> None:
        """Build the net as it is initialised, and export it."""
        require("torch", extra="train")
        from edgesmith.nn.build import build

        get_exporter(self.format).export(build(spec).eval(), spec, path, options=SINGLE)


@dataclass(frozen=True)
class SpecMaker:
    """The file of a net for the device ``torch``: its description."""

    suffix: str = _TORCH_SUFFIX
    version: str = f"torch-{__version__}"

    def __call__(self, spec: NetSpec, path: Path) -> None:
        """Write the spec's JSON."""
        write_json(path, spec.to_json())


def maker_for(format_name: str) -> Maker:
    """What makes files of a device's format.

    Raises:
        UsageError: No exporter writes the format, or it is one of quantized files; names the choices.
    """
    if format_name == "torch":
        return SpecMaker()
    if ":" in format_name:
        raise UsageError(f"block tables are made of float32 files, got {format_name}; measure int8 files end to end")
    get_exporter(format_name)
    return ExportMaker(format=format_name)


class FileCache:
    """A folder of model files by the hash of their nets.

    Args:
        folder: Where they lie, in a folder of the maker's version.
        maker: Makes those that are missing.
        processes: Makers at work side by side; None takes as many as there are cores.
    """

    def __init__(self, folder: Path, maker: Maker, *, processes: int | None = None) -> None:
        self.folder = folder / maker.version
        self._maker = maker
        self._processes = max_threads() if processes is None else processes

    def path(self, spec: NetSpec) -> Path:
        """Where the net's file lies, or would."""
        return self.folder / f"{model_hash(spec)}{self._maker.suffix}"

    def make(self, specs: Iterable[NetSpec], *, progress: Progress = SILENT) -> None:
        """Make the files that are not there yet.

        Raises:
            ExportError: One cannot be made; those that were made before it are kept.
        """
        missing = {path: spec for spec in specs if not (path := self.path(spec)).is_file()}
        if not missing:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with progress.stage("export", len(missing), "files") as stage:
            for count in self._made(list(missing.items())):
                stage.advance(count)

    def _made(self, missing: Sequence[tuple[Path, NetSpec]]) -> Iterator[int]:
        """Make all, and say after each few how many they were."""
        if self._processes == 1 or len(missing) < _WORTH_A_POOL:
            for path, spec in missing:
                self._maker(spec, path)
                yield 1
            return
        chunks = [missing[begin : begin + _CHUNK] for begin in range(0, len(missing), _CHUNK)]
        open_pool = partial(ProcessPoolExecutor, mp_context=get_context("spawn"), initializer=leave_with_parent)
        with _one_thread_each(), open_pool(self._processes) as pool:
            work = [pool.submit(_make_all, self._maker, chunk) for chunk in chunks]
            try:
                for done in as_completed(work):
                    yield done.result()
            except BrokenProcessPool:
                raise ExportError(
                    "a process that exports was killed; is there enough memory? run the same again"
                ) from None
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _make_all(maker: Callable[[NetSpec, Path], None], chunk: Sequence[tuple[Path, NetSpec]]) -> int:
    for path, spec in chunk:
        maker(spec, path)
    return len(chunk)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile use one thread for each operation: their number takes the cores."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
