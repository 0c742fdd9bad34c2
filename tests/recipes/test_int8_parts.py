"""What may stay in float, by network."""

from __future__ import annotations

from edgesmith.arch.edits.detection import with_ssdlite
from edgesmith.arch.edits.segmentation import with_lr_aspp, with_r_aspp
from edgesmith.arch.zoo.names import find
from edgesmith.recipes.int8_parts import parts_of

SMALL = find("mobilenet_v3_small")


def test_a_classifiers_parts_are_blocks_gates_the_head_and_its_last_layer() -> None:
    parts = parts_of(SMALL)
    assert parts[0] == "blocks.0"
    assert "blocks.1.gate" in parts
    assert [part for part in parts if part.startswith("head")] == ["head", "head.classifier"]


def test_a_convolution_that_is_the_whole_head_is_one_part() -> None:
    assert [part for part in parts_of(find("squeezenet_1_1")) if part.startswith("head")] == ["head"]


def test_layers_of_dense_heads_are_parts_and_numbered_ones_stand_together() -> None:
    def layers(parts: tuple[str, ...]) -> list[str]:
        return [part.removeprefix("head.") for part in parts if part.startswith("head.")]

    assert layers(parts_of(with_lr_aspp(SMALL))) == ["project", "gate", "refine", "high", "low", "upsample"]
    assert layers(parts_of(with_r_aspp(SMALL))) == ["project", "pooled", "spread", "fuse", "classifier", "upsample"]
    assert layers(parts_of(with_ssdlite(SMALL))) == ["extra*", "box*", "class*"]
