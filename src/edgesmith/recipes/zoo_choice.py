"""The zoo's candidates of a fit: everything that its weights allow, sorted out by the limits."""

from __future__ import annotations

from collections.abc import Sequence

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.parts import Side
from edgesmith.core.errors import BudgetError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.dataset import Dataset
from edgesmith.devices.across import Target
from edgesmith.devices.plan import QUICK
from edgesmith.recipes.candidates import Choice, choose
from edgesmith.recipes.start import Starts
from edgesmith.recipes.task_nets import net_for
from edgesmith.search.candidates import variants, zoo_grid
from edgesmith.search.limits import Limits


def choose_of_zoo(
    starts: Starts,
    *,
    dataset: Dataset,
    resolutions: Sequence[Side],
    limits: Limits,
    target: Target,
    count: int,
    progress: Progress = SILENT,
) -> Choice:
    """What of the zoo, or of the one network that weights were named for, keeps the limits.

    Args:
        starts: What candidates begin with.
        dataset: Gives task and classes.
        resolutions: Of the input in pixels.
        limits: What none may exceed.
        target: Where latency counts.
        count: How many to measure beyond the cost model's anchors.
        progress: Told of each stage.

    Raises:
        BudgetError: None keeps them.
    """
    count_classes = len(dataset.classes)
    grid = zoo_grid(count_classes, resolutions=resolutions)
    if starts.origin is not None:
        grid = variants(starts.origin.spec.with_num_classes(count_classes), resolutions=resolutions)
    fitted = [net_for(starts.of(spec).spec(spec), dataset) for spec in grid]
    grid = tuple(sorted(fitted, key=lambda spec: count_total(spec).madds))
    kept = tuple(spec for spec in grid if limits.excess(spec, 0.0) <= 0)
    if not kept:
        raise BudgetError("no network of the zoo keeps --max-size and --max-memory; raise them")
    return choose(kept, budget_ms=limits.latency_ms, target=target, count=count, plan=QUICK, progress=progress)
