from __future__ import annotations

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.core.table import closest, lookup

TABLE = {"onnxruntime": 1, "torch": 2, "litert": 3}


def test_known_names() -> None:
    assert lookup(TABLE, "torch", what="device") == 2


@pytest.mark.parametrize(("name", "near"), [("onxruntime", "onnxruntime"), (" torch ", "torch"), ("lite", "litert")])
def test_the_closest_name_is_offered(name: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"unknown device {name!r}; did you mean '{near}'. choices: litert, onnx"):
        lookup(TABLE, name, what="device")


def test_nothing_near_means_no_guess() -> None:
    assert closest("qqqq", TABLE) is None
    with pytest.raises(UsageError, match="unknown device 'qqqq'; choices: litert, onnxruntime, torch"):
        lookup(TABLE, "qqqq", what="device")


def test_an_empty_table_says_so() -> None:
    with pytest.raises(UsageError, match="choices: none"):
        lookup({}, "x", what="device")
