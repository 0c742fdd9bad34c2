"""What may be asked of a fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.search_wishes import SearchWishes


@pytest.mark.parametrize("more", [{"adapt": True}, {"int8": True}])
def test_what_is_for_one_device_is_refused_for_several_with_the_way_out(more: dict[str, Any]) -> None:
    name = next(iter(more))
    assert FitConfig(data="d", budget="1ms", **more).target.device == "onnxruntime"
    with pytest.raises(UsageError, match=rf"onnxruntime,litert; add --no-{name} or name one"):
        FitConfig(data="d", budget="1ms", device="onnxruntime,litert", **more)


@pytest.mark.parametrize("search", [None, SearchWishes(workers="3"), SearchWishes(workers="3", if_worth=True)])
def test_who_tries_candidates_does_not_make_it_another_run(search: SearchWishes | None) -> None:
    config = FitConfig(data="d", budget="1ms", search=search, workers="3")
    assert config.executor == "processes:3"
    other = replace(config, workers=None, search=None if search is None else replace(search, workers=None))
    assert other.settings_of_run() == config.settings_of_run()


def test_an_unknown_executor_is_refused_even_where_nothing_is_searched() -> None:
    with pytest.raises(UsageError, match="executor"):
        FitConfig(data="d", budget="1ms", workers="cluster")
