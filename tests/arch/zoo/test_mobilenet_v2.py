from __future__ import annotations

import pytest

from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation, Skip
from edgesmith.arch.zoo.names import find


def outputs(name: str) -> list[int]:
    return [block.out_channels for block in find(name).blocks if isinstance(block, Conv | InvertedResidual)]


# Worked out on paper with round-to-8 and never more than 10 % below: stem, the seven stages' outputs, tail.
WIDTHS = {
    0.35: (16, [8, 8, 16, 24, 32, 56, 112], 1280),
    0.5: (16, [8, 16, 16, 32, 48, 80, 160], 1280),
    0.75: (24, [16, 24, 24, 48, 72, 120, 240], 1280),
    1.0: (32, [16, 24, 32, 64, 96, 160, 320], 1280),
    1.4: (48, [24, 32, 48, 88, 136, 224, 448], 1792),
}
FIRST_OF_STAGE = (1, 2, 4, 7, 11, 14, 17)


@pytest.mark.parametrize("width", WIDTHS)
def test_case_m1_every_width_is_rounded_to_8(width: float) -> None:
    """At 1.4 a truncated stem would have 44 channels; the reference has 48."""
    stem, stages, tail = WIDTHS[width]
    made = outputs(f"mobilenet_v2@width={width}")
    assert (made[0], made[-1]) == (stem, tail)
    assert [made[index] for index in FIRST_OF_STAGE] == stages


def test_blocks_are_the_papers_table() -> None:
    residuals = [block for block in find("mobilenet_v2").blocks if isinstance(block, InvertedResidual)]
    assert [block.stride for block in residuals] == [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]
    assert residuals[0].expand_channels == 32, "the first block does not widen"
    assert all(b.expand_channels == 6 * i for b, i in zip(residuals[1:], outputs("mobilenet_v2")[1:], strict=False))
    assert {block.activation for block in residuals} == {Activation.RELU6}
    assert sum(block.skip is Skip.IDENTITY for block in residuals) == 10
