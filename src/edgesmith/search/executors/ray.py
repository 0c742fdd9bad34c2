"""A Ray cluster: one that runs, or one on this machine."""

from __future__ import annotations

import os
import re
import socket
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from edgesmith.core.errors import EdgesmithError, RunError, UsageError, first_line
from edgesmith.core.extras import require
from edgesmith.search.executors.base import DIED, MAX_DEATHS, Answer, Done, Job

_KNOCK_S: Final = 10.0


def device_resource(device: str) -> str:
    """The name of the Ray resource that a latency device is; a node to which it is attached offers 1 of it."""
    return "device-" + re.sub(r"[^0-9a-z]+", "-", device.lower()).strip("-")


@dataclass
class _Task:
    number: int
    job: Any
    deaths: int = 0


class Ray:
    """Runs jobs as tasks of a Ray cluster.

    Args:
        address: Of a running cluster, such as ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``; None starts one on this
            machine, which ends with this process.
        num_cpus: That a job takes.
        num_gpus: That a job takes; a part of one is allowed.
        devices: Latency devices that a job needs for itself; see `device_resource`.

    Raises:
        MissingExtraError: Ray is not installed.
        RunError: There is no cluster at the address, or it can never run such a job.
    """

    def __init__(
        self, *, address: str | None = None, num_cpus: float = 1, num_gpus: float = 0, devices: Iterable[str] = ()
    ) -> None:
        if num_cpus <= 0 or num_gpus < 0:
            raise UsageError(f"a job takes more than 0 CPUs and at least 0 GPUs, got {num_cpus:g} and {num_gpus:g}")
        self._ray = require("ray", extra="ray")
        self._needs = {"CPU": num_cpus, **({"GPU": num_gpus} if num_gpus else {})}
        self._needs |= {device_resource(device): 1 for device in devices}
        self._owned = not self._ray.is_initialized()
        if self._owned:
            _connect(self._ray, address, devices)
        self._task = self._ray.remote(
            num_cpus=num_cpus,
            num_gpus=num_gpus,
            resources={name: 1 for name in self._needs if name not in ("CPU", "GPU")},
            max_retries=0,
        )(_attempt)
        if not self.slots:
            offered = {name: self._ray.cluster_resources().get(name, 0) for name in self._needs}
            self.close()
            raise RunError(f"no job can run on this Ray cluster: it takes {self._needs}, the cluster has {offered}")

    @property
    def slots(self) -> int:
        """See `Executor.slots`; grows and shrinks with the cluster."""
        offered = self._ray.cluster_resources()
        return int(min(offered.get(name, 0) / amount for name, amount in self._needs.items()))

    def run(self, work: Callable[[Job], Answer], jobs: Iterable[Job]) -> Iterator[Done[Answer]]:
        """See `Executor.run`."""
        ray = self._ray
        packed = ray.put(work)
        tasks = (_Task(number, job) for number, job in enumerate(jobs))
        running: dict[Any, _Task] = {}
        try:
            while True:
                while len(running) < max(1, self.slots) and (task := next(tasks, None)) is not None:
                    running[self._task.remote(packed, task.job)] = task
                if not running:
                    return
                ended, _ = ray.wait(list(running), num_returns=1)
                for reference in ended:
                    task = running.pop(reference)
                    try:
                        answer, failure = ray.get(reference)
                    except ray.exceptions.RayTaskError as error:
                        raise error.as_instanceof_cause() from None
                    except ray.exceptions.RayError:
                        task.deaths += 1
                        if task.deaths < MAX_DEATHS:
                            running[self._task.remote(packed, task.job)] = task
                        else:
                            yield Done(number=task.number, failure=DIED)
                        continue
                    yield Done(number=task.number, answer=answer, failure=failure)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def close(self) -> None:
        """See `Executor.close`; a cluster that ran before goes on running."""
        if self._owned and self._ray.is_initialized():
            self._ray.shutdown()


def _connect(ray: Any, address: str | None, devices: Iterable[str]) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        options |= {"include_dashboard": False, "resources": {device_resource(device): 1 for device in devices}}
    try:
        if address is not None and ":" in address:
            _knock(address)
        ray.init(address=address or "local", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise RunError(
            f"no Ray cluster at {address or 'this machine'}: {first_line(error)}"
            " (one that wants a token is joined with RAY_AUTH_MODE=token and RAY_AUTH_TOKEN set)"
        ) from None


def _knock(address: str) -> None:
    """Fail at once where nobody listens: Ray itself would try for ten minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=_KNOCK_S):
        return


def _attempt(work: Any, job: Any) -> tuple[Any, str | None]:
    """Answer or failure."""
    try:
        return work(job), None
    except EdgesmithError as error:
        return None, str(error)
    except Exception as error:
        error.add_note("in a Ray task:\n" + traceback.format_exc())
        raise
