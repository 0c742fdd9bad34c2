"""What may be asked of a fit."""

from __future__ import annotations

from typing import Any

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.recipes.fit_config import FitConfig


@pytest.mark.parametrize("more", [{"adapt": True}, {"int8": True}])
def test_what_is_for_one_device_is_refused_for_several_with_the_way_out(more: dict[str, Any]) -> None:
    name = next(iter(more))
    assert FitConfig(data="d", budget="1ms", **more).target.device == "onnxruntime"
    with pytest.raises(UsageError, match=rf"onnxruntime,litert; add --no-{name} or name one"):
        FitConfig(data="d", budget="1ms", device="onnxruntime,litert", **more)
