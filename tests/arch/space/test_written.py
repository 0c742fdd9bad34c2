"""A space that was written down and made again is the same one."""

from __future__ import annotations

import json

import pytest

from edgesmith.arch.names import Padding
from edgesmith.arch.presets import Preset
from edgesmith.arch.space.endings.table import ENDINGS
from edgesmith.arch.space.parts import Side
from edgesmith.arch.space.presets import SPACES, find_space, in_style
from edgesmith.arch.space.written import WrittenSpace
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator


@pytest.mark.parametrize("resolutions", [(64,), (96, 128), ((96, 160), (128, 192))])
@pytest.mark.parametrize("task", ["classification", *ENDINGS])
@pytest.mark.parametrize("name", SPACES)
def test_its_points_stand_for_the_same_networks(name: str, task: str, resolutions: tuple[Side, ...]) -> None:
    space = find_space(name, resolutions=resolutions, num_classes=7, task=task)
    space = in_style(space, padding=Padding.SAME, preset=Preset.TIMM)
    made = from_dict(WrittenSpace, json.loads(json.dumps(to_dict(WrittenSpace.of(space))))).make()
    assert made.choices == space.choices
    rng = generator(0, name, task)
    for _ in range(5):
        point = space.sample(rng)
        assert made.decode(point) == space.decode(point)


def test_a_space_that_is_not_here_is_named() -> None:
    written = WrittenSpace.of(find_space("mnasnet"))
    with pytest.raises(UsageError, match="mnasnet_b7"):
        from_dict(WrittenSpace, to_dict(written) | {"name": "mnasnet_b7"}).make()
