"""Hard limits."""

from __future__ import annotations

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.search.limits import Limits

NET = find("mobilenet_v3_small")
COST = count_total(NET)


def test_what_is_exceeded_most_counts_as_a_share_of_its_limit() -> None:
    assert Limits(latency_ms=2).excess(NET, 1.9) == 0
    assert Limits(latency_ms=2).excess(NET, 3) == pytest.approx(0.5)
    small = Limits(latency_ms=2, size_bytes=2 * COST.parameters)
    assert small.excess(NET, 3) == pytest.approx(1.0)
    tight = Limits(latency_ms=2, size_bytes=8 * COST.parameters, memory_bytes=COST.peak_bytes // 4)
    assert tight.excess(NET, 3) == pytest.approx(3.0, rel=1e-4)


@pytest.mark.parametrize("wrong", [{"latency_ms": 0}, {"latency_ms": 1, "size_bytes": -1}])
def test_a_limit_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="more than zero"):
        Limits(**wrong)
