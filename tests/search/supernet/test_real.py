"""On real pictures a supernet that was trained for a little ranks nets better than chance."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from supernet_rank import CONFIG, cifar_space, judge_of, train_alone

from edgesmith.arch.cost import count_total
from edgesmith.recipes.material import open_material
from edgesmith.recipes.models import preprocessing_of
from edgesmith.search.supernet.rank import rank_agreement
from edgesmith.search.supernet.train import train_supernet

NETS = 8


@pytest.mark.slow
def test_a_short_training_ranks_nets_of_different_sizes_better_than_chance(shared_dir: Path) -> None:
    material = open_material(shared_dir / "data/cifar10-10k", seed=0)
    space = cifar_space(num_classes=len(material.dataset.classes))
    judge, config = judge_of(material, space), replace(CONFIG, batch_size=32)
    rule = preprocessing_of(space.decode((0,) * len(space.choices)))
    loader = material.loader(None, config, rule)
    supernet = train_supernet(space, loader, judge, config=config, pictures=8000, device="cpu")
    rng = np.random.default_rng(0)
    drawn = sorted((space.sample(rng) for _ in range(200)), key=lambda point: count_total(space.decode(point)).madds)
    spread = [drawn[round(place)] for place in np.linspace(0, len(drawn) - 1, NETS)]
    alone = partial(train_alone, material=material, judge=judge, config=replace(config, pictures=8000))
    found = rank_agreement(supernet, spread, alone)
    # Of the orders of 8 nets one in twenty reaches 0.5 by chance.
    assert found.tau >= 0.5
    assert min(found.alone) > 0.15
