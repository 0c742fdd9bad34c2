from __future__ import annotations

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.steps import PICTURE, Step, expected_steps


def test_the_first_steps_of_v3_small() -> None:
    steps = expected_steps(find("mobilenet_v3_small"))
    first = {path: steps[path] for path in list(steps)[:7]}
    assert first == {
        "blocks.0.conv": Step(kind="conv", inputs=frozenset({PICTURE}), activation="hard_swish", stride=2),
        "blocks.1.depthwise": Step(kind="depthwise", inputs=frozenset({0}), activation="relu", stride=2),
        "blocks.1.gate.pool": Step(kind="pool", inputs=frozenset({1})),
        "blocks.1.gate.squeeze": Step(kind="conv", inputs=frozenset({2}), activation="relu"),
        "blocks.1.gate.excite": Step(kind="conv", inputs=frozenset({3}), activation="hard_sigmoid"),
        "blocks.1.gate": Step(kind="product", inputs=frozenset({1, 4})),
        "blocks.1.project": Step(kind="conv", inputs=frozenset({5})),
    }
    assert list(steps)[-3:] == ["head.pool", "head.feature", "head.classifier"]


def test_a_sum_reads_both() -> None:
    steps = expected_steps(find("mobilenet_v2"))
    paths = list(steps)
    assert {paths[number] for number in steps["blocks.3.skip"].inputs} == {"blocks.2.project", "blocks.3.project"}


def test_nets_of_other_operations_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"graphs with a Pool \(blocks.1.pool\) cannot be compared with a file"):
        expected_steps(find("shufflenet_v1"))
