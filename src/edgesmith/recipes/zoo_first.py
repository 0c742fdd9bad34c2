"""The zoo's networks tried as a search tries its candidates, before it: the best one says around what to search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.nearest import nearest_point
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError
from edgesmith.recipes.proxy import Probe
from edgesmith.recipes.search_plan import least_pictures
from edgesmith.recipes.search_run import plan_proxies
from edgesmith.recipes.search_space import home_name
from edgesmith.recipes.train import named_recipe
from edgesmith.search.executors.base import Executor
from edgesmith.tasks.figures import figure_for

SHARE: Final = 0.1
"""Of a search's time."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """A network of the zoo in a space.

    Attributes:
        spec: The network.
        space: The one around it.
        point: Its nearest one there.
    """

    spec: NetSpec
    space: StagedSpace
    point: Encoding


@dataclass(frozen=True, kw_only=True)
class Tries:
    """Scores points of several spaces.

    Attributes:
        probes: How, by the name of the space.
    """

    probes: Mapping[str, Probe]

    def __call__(self, job: tuple[str, Encoding]) -> Mapping[str, float]:
        """Train a point's network for a little; its scores on the held-out part."""
        name, point = job
        return self.probes[name].score(point)


def homes_of(zoo: Sequence[NetSpec], make: Callable[[str, Sequence[NetSpec]], StagedSpace]) -> list[Home]:
    """Networks that differ in width and resolution alone from the one that a space is around, with that space.

    Args:
        zoo: Networks.
        make: The space of a name, in the style of some networks.
    """
    spaces = {name: make(name, zoo) for name in dict.fromkeys(map(home_name, zoo)) if name}
    found = []
    for spec in zoo:
        if space := spaces.get(home_name(spec)):
            with suppress(SpecError):
                found.append(Home(spec=spec, space=space, point=nearest_point(space, spec)))
    return found


def try_zoo(
    probe: Probe,
    homes: Sequence[Home],
    executor: Executor,
    seconds: float,
    *,
    num_pictures: int,
) -> dict[str, Any]:
    """Train networks for a little, each as the nearest point of a space around it.

    Args:
        probe: How candidates are tried; its space and pictures are of no account.
        homes: At least one network, the most capable first.
        executor: Trains.
        seconds: For all of them.
        num_pictures: Pictures that a training draws from.

    Returns:
        ``order``, the names of those that were tried, the best first, and ``line`` for people; nothing where the time
        is too short to tell networks of two spaces apart.
    """
    jobs = [(home.space.name, home.point) for home in homes]
    probes = {home.space.name: replace(probe, space=home.space) for home in homes}
    first = probes[jobs[0][0]]
    pace = [jobs[0][1]] * executor.slots
    plan = plan_proxies(first, pace, executor, seconds, num_pictures=num_pictures, trials=len(jobs))
    batch_size = named_recipe(probe.recipe, probe.settings, spec=homes[0].spec, seed=probe.seed).batch_size
    least = least_pictures(num_pictures, batch_size)
    count = min(len(jobs), int(plan.pictures * len(jobs) / least))
    if len({name for name, _ in jobs[:count]}) < 2:
        return {}
    pictures = plan.pictures * len(jobs) // count
    tries = Tries(probes={name: replace(each, pictures=pictures) for name, each in probes.items()})
    done = list(executor.run(tries, jobs[:count]))
    scores = {
        homes[each.number].spec.name: each.answer
        for each in sorted(done, key=lambda each: each.number)
        if each.answer is not None
    }
    order = sorted(scores, key=lambda name: -scores[name]["accuracy"])
    if not order:
        return {}
    figure = figure_for(homes[0].spec.head.task)
    line = (
        f"of {count} networks of the zoo, each after {pictures} pictures, {order[0]} came furthest "
        f"({figure.label} {scores[order[0]]['accuracy']:.1%} on the held-out part); the search is around it"
    )
    return {"order": order, "line": line}
