"""Spaces in Optuna's words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import optuna
import pytest

from edgesmith.arch.space.choices import Choice, Space
from edgesmith.arch.space.presets import mnasnet_space, mobilenet_v2_space, mobilenet_v3_small_space
from edgesmith.arch.space.published import accel_space, macro_space, ofa_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.search.labels import distributions_of, fingerprint, labels_of, params_of

SPACES = [mnasnet_space, mobilenet_v2_space, mobilenet_v3_small_space, macro_space, accel_space, ofa_space]


@pytest.mark.parametrize("make", SPACES)
def test_every_option_of_every_space_has_a_label_of_its_own(make: Callable[[], StagedSpace]) -> None:
    space = make()
    for choice in space.choices:
        assert len(set(labels_of(choice))) == len(choice.options)
    for seed in range(5):
        point = space.sample(np.random.default_rng(seed))
        params, distributions = params_of(space, point), distributions_of(space, point)
        active = zip(space.choices, space.active(point), strict=True)
        assert list(params) == list(distributions) == [choice.name for choice, used in active if used]
        trial = optuna.create_trial(params=params, distributions=dict(distributions), value=0.0)
        assert trial.params == params


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ((16, 24.5, None, "relu", True), (16, 24.5, None, "relu", True)),
        (({"kernel_size": 3, "expansion": 6.0},), ("kernel_size 3, expansion 6.0",)),
        (((1, 2), (3, 4)), ("(1, 2)", "(3, 4)")),
        (("one", ["one"], "one"), ("one (0)", "['one'] (1)", "one (2)")),
    ],
)
def test_labels_say_what_options_are(options: tuple[object, ...], labels: tuple[object, ...]) -> None:
    assert labels_of(Choice(name="choice", options=options)) == labels


def test_a_fingerprint_tells_spaces_apart() -> None:
    first = Choice(name="width", options=(8, 16), ordered=True)
    others = [
        Choice(name="depth", options=(8, 16), ordered=True),
        Choice(name="width", options=(8, 24), ordered=True),
        Choice(name="width", options=(8, 16)),
    ]
    assert fingerprint(Space([first])) == fingerprint(Space([first]))
    assert len({fingerprint(Space([choice])) for choice in (first, *others)}) == 4
    assert len({fingerprint(make()) for make in SPACES}) == len(SPACES)
