"""The paper's hand edits; that they lead from MnasNet-A1 to MobileNetV3-Large is tested beside the widths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.arch.edits.by_hand import by_hand
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation
from edgesmith.arch.spec import model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v3_small"])
@pytest.mark.parametrize("side", [64, 160, 224])
def test_networks_that_were_edited_stay_as_they_are(name: str, side: int) -> None:
    spec = find(name).with_resolution(side)
    assert model_hash(by_hand(spec)) == model_hash(spec)


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v3_small"])
def test_h_swish_begins_where_the_paper_has_it(name: str) -> None:
    spec = find(name)
    plain = replace(
        spec,
        blocks=tuple(
            replace(block, activation=Activation.RELU) if isinstance(block, InvertedResidual) else block
            for block in spec.blocks
        ),
    )
    assert by_hand(plain).blocks == spec.blocks


def test_other_families_are_refused_by_the_kind_that_does_not_fit() -> None:
    with pytest.raises(SpecError, match="has a pool"):
        by_hand(find("squeezenet_1_1"))
