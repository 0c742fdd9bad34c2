"""Giving this machine to searches that run elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from time import monotonic as clock
from typing import Any

from edgesmith.core.errors import EdgesmithError, RunError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.units import format_duration, parse_seconds
from edgesmith.data import dataset as datasets
from edgesmith.deploy.quantize.table import get_quantizer
from edgesmith.recipes.proxy import Proxy
from edgesmith.recipes.search_job import SearchJob
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.search.executors.base import Executor
from edgesmith.search.executors.table import make_executor
from edgesmith.search.helping import Helper, Wanted
from edgesmith.search.settle import Judge
from edgesmith.search.storage import Patience, check_url, without_password


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What this machine can do for a search."""

    proxy: Proxy
    judge: Judge


class _Machine:
    """Looks at each search once, and does what waits in those that it can help."""

    def __init__(self, data: str, weights: str | None, progress: Progress) -> None:
        self._data, self._weights, self._progress = data, weights, progress
        self._parts: dict[str, _Part] = {}
        self.refused: dict[str, str] = {}

    def part(self, wanted: Wanted) -> _Part | None:
        if wanted.study in self.refused:
            return None
        if wanted.study not in self._parts:
            try:
                self._parts[wanted.study] = self._prepare(wanted)
            except EdgesmithError as error:
                self.refused[wanted.study] = f"{wanted.study} cannot be helped: {error}"
                self._progress.note(self.refused[wanted.study])
                return None
            self._progress.note(f"helping {wanted.study}")
        return self._parts[wanted.study]

    def _prepare(self, wanted: Wanted) -> _Part:
        job = SearchJob.from_json(wanted.job)
        dataset = datasets.open(self._data, seed=job.seed)
        proxy = job.proxy(self._data, dataset, weights=self._weights)
        if job.int8 is not None:
            get_quantizer(job.int8.format).require_tools()
        return _Part(proxy=proxy, judge=job.judge())


def join_search(
    url: str,
    data: str,
    *,
    workers: str | None = None,
    weights: str | None = None,
    idle: str = "10m",
    patience: Patience | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``edgesmith join --json`` prints; ends when no search has wanted anything for a while.

    Args:
        url: Where studies live: ``sqlite:///FILE``, ``postgresql://...``.
        data: This machine's copy of the pictures.
        workers: As of ``search``.
        weights: This machine's copy of the weights that the search was given; by default under the same name.
        idle: How long to wait for something to do, such as ``10m``.
        patience: How long is waited for others.
        progress: Told of searches and counts.

    Raises:
        UsageError: The URL is no study's, or a value makes no sense.
        DataError: There are no pictures.
        RunError: The storage cannot be reached, or none of the searches there could be helped.
    """
    limit_s, done = parse_seconds(idle, what="--idle"), Counter[str]()
    check_url(url)
    executor = make_executor(SearchWishes(workers=workers).executor)
    machine = _Machine(data, weights, progress)
    try:
        datasets.open(data)  # a wrong path is told at once, not when a search begins
        with Helper(url, patience=patience) as helper, progress.stage("evaluate", unit="nets") as stage:
            last = clock()
            while clock() - last <= limit_s:
                before = done.total()
                for wanted in helper.wanted():
                    done[wanted.study] += _help(helper, wanted, machine.part(wanted), executor)
                if done.total() > before:
                    stage.advance(done.total() - before)
                    last = clock()
                else:
                    time.sleep(helper.patience.poll_s)
    finally:
        executor.close()
    if machine.refused and not done.total():
        raise RunError("; ".join(machine.refused.values()))
    progress.note(f"nothing more to do for {format_duration(limit_s)}")
    return {"study": without_password(url), "evaluated": {name: count for name, count in done.items() if count}}


def _help(helper: Helper, wanted: Wanted, part: _Part | None, executor: Executor) -> int:
    if part is None:
        return 0
    return helper.help(wanted.study, part.proxy.space, part.proxy, part.judge, executor)
