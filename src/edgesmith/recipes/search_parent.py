"""The parent of a search's candidates: the network that the space is around, trained first, whose weights they inherit.

What a candidate learns in its short training is then what it does otherwise, not what every network has to learn about
the pictures; and what the parent was trained on is not lost to the network that is returned.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.progress import SILENT, Progress
from edgesmith.recipes.fit_weights import fit_weights
from edgesmith.recipes.material import Material
from edgesmith.recipes.proxy import Probe, begin_point, start_for
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_plan import least_pictures
from edgesmith.recipes.search_result import Parent
from edgesmith.recipes.search_space import home_name
from edgesmith.recipes.search_wishes import PROXY, SearchWishes
from edgesmith.recipes.train import affordable_pictures, finish, named_recipe, task_of
from edgesmith.recipes.zoo_first import Home
from edgesmith.tasks.figures import figure_words

PARENT_NAME: Final = "parent"
SHARE: Final = 0.5
"""Of a search's time."""
# Beyond that the time is better spent on candidates: what is returned is trained for longer anyway.
_MOST_EPOCHS: Final = 100
_PACE_S: Final = 10.0


def can_inherit(wishes: SearchWishes) -> bool:
    """Whether a parent is wanted, and all who try candidates see the run folder that it lies in."""
    is_here = wishes.study is None and not wishes.executor.startswith("ray:")
    return wishes.proxy.inherit and wishes.scoring == PROXY and is_here


def train_parent(
    probe: Probe,
    home: Home,
    seconds: float,
    *,
    material: Material,
    stages: Stages,
    folder: Path,
    progress: Progress = SILENT,
) -> Parent | None:
    """Train a network of the zoo as the nearest point of its space; started again it goes on where it was.

    It learns what candidates learn from, so that the held-out part is news to all of them.

    Args:
        probe: How candidates are tried; their recipe is its, its pictures and scale are of no account.
        home: The network.
        seconds: For its training.
        material: The opened set.
        stages: Of the run.
        folder: Of the run.
        progress: Told of it.

    Returns:
        None where the time is too short for a network to learn anything.
    """
    starts, (rest, _) = probe.bench.starts, material.parted(probe.seed)
    net, rule = begin_point(home.space, home.point, starts, material, seed=probe.seed)
    config = named_recipe(probe.recipe, probe.settings, spec=net.spec, seed=probe.seed)
    task = task_of(material, config, net.spec)
    affordable = partial(affordable_pictures, net, material, task, config, rule, seconds)
    buys: int = stages.run("search-parent-pictures", affordable, forecast_s=_PACE_S)
    pictures = min(buys, _MOST_EPOCHS * len(rest))
    if pictures < least_pictures(len(rest), config.batch_size):
        return None

    def work() -> dict[str, Any]:
        progress.note(f"training {home.spec.name} on {pictures} pictures, whose weights candidates inherit")
        start, where, classes = start_for(home.space, starts), folder / PARENT_NAME, material.dataset.classes
        whole = start.recipe(replace(config, pictures=pictures), net.spec, probe.settings, classes=classes)
        result = fit_weights(net, material, task, whole, rule=rule, folder=where, samples=rest, progress=progress)
        score, bundle = finish(net, material, task, result, rule=rule, folder=where, seed=probe.seed, progress=progress)
        scored = figure_words(score.metrics())
        parent = Parent(
            bundle=str(bundle.folder.resolve()),
            home=home_name(home.spec),
            pictures=pictures,
            seconds=seconds * pictures / buys,
            line=f"candidates inherit the weights of {home.spec.name} after {pictures} pictures ({scored})",
        )
        return to_dict(parent)

    return from_dict(Parent, stages.run("search-parent", work, forecast_s=seconds * pictures / buys))
