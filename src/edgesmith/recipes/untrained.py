"""Latencies of untrained networks where it counts; a file's latency does not depend on what was learned."""

from __future__ import annotations

from collections.abc import Sequence

from edgesmith.arch.spec import NetSpec
from edgesmith.core.caches import cache_folder
from edgesmith.core.progress import SILENT, Progress
from edgesmith.devices.across import Target
from edgesmith.devices.blocks.files import Maker, maker_for
from edgesmith.devices.blocks.library import open_files
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import QUICK, Plan
from edgesmith.devices.results import Latency
from edgesmith.devices.table import get_devices
from edgesmith.recipes.int8_candidates import Int8Maker, int8_of
from edgesmith.recipes.net_forms import deployed


def measure_specs(
    specs: Sequence[NetSpec], target: Target, *, plan: Plan = QUICK, progress: Progress = SILENT
) -> tuple[Latency, ...]:
    """Latencies of untrained networks, side by side in one session; their files are kept in the cache.

    Args:
        specs: At least one.
        target: Where latency counts.
        plan: How precisely to measure.
        progress: Told of each stage.
    """
    devices = get_devices(target.device)
    int8 = int8_of(target, progress=progress)
    makers: dict[str, Maker] = {
        each.format: maker_for(each.format) if int8 is None else Int8Maker(int8=int8) for each in devices
    }
    files = {kind: open_files(maker, cache_folder()) for kind, maker in makers.items()}
    made = [deployed(spec) for spec in specs]
    for cache in files.values():
        cache.make(made, progress=progress)
    subjects = [
        Subject(name=spec.name, files={kind: cache.path(spec) for kind, cache in files.items()}) for spec in made
    ]
    return target.combine(measure(subjects, devices, plan=plan, progress=progress).latency)
