"""The zoo's candidates of a fit: everything that its weights allow, sorted out by the limits."""

from __future__ import annotations

from collections.abc import Sequence

from edgesmith.core.errors import BudgetError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.devices.across import Target
from edgesmith.devices.plan import QUICK
from edgesmith.recipes.candidates import Choice, choose
from edgesmith.recipes.start import Starts
from edgesmith.search.candidates import variants, zoo_grid
from edgesmith.search.limits import Limits


def choose_of_zoo(
    starts: Starts,
    *,
    num_classes: int,
    resolutions: Sequence[int],
    limits: Limits,
    target: Target,
    count: int,
    progress: Progress = SILENT,
) -> Choice:
    """What of the zoo, or of the one network that weights were named for, keeps the limits.

    Args:
        starts: What candidates begin with.
        num_classes: Width of their answer.
        resolutions: Sides of the input in pixels.
        limits: What none may exceed.
        target: Where latency counts.
        count: How many to measure beyond the cost model's anchors.
        progress: Told of each stage.

    Raises:
        BudgetError: None keeps them.
    """
    grid = zoo_grid(num_classes, resolutions=resolutions)
    if starts.origin is not None:
        grid = variants(starts.origin.spec.with_num_classes(num_classes), resolutions=resolutions)
    grid = tuple(starts.of(spec).spec(spec) for spec in grid)
    kept = tuple(spec for spec in grid if limits.excess(spec, 0.0) <= 0)
    if not kept:
        raise BudgetError("no network of the zoo keeps --max-size and --max-memory; raise them")
    return choose(kept, budget_ms=limits.latency_ms, target=target, count=count, plan=QUICK, progress=progress)
