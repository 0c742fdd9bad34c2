"""The paper's detectors: what its table 6 says of them, and what its layout was counted to give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgesmith.arch.anchors import AnchorScheme, count_anchors
from edgesmith.arch.cost import count_total
from edgesmith.arch.edits.detection import coarse_tap, ssdlite_head, with_decoding, with_ssdlite
from edgesmith.arch.edits.segmentation import Tail
from edgesmith.arch.names import Point
from edgesmith.arch.network import trace_network
from edgesmith.arch.operations import Convolution
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError

TV = "torchvision_ssdlite320_mobilenet_v3_large"
ROWS = [  # name, the paper's millions of parameters, the layout's: parameters with norms, millions of multiply-adds
    ("ssdlite_mobilenet_v3_large@tail=full", 4.97, 5_006_735, 613.1),
    ("ssdlite_mobilenet_v3_large", 3.22, 3_248_255, 506.6),
    ("ssdlite_mobilenet_v3_small@tail=full", 2.49, 2_518_271, 210.4),
    ("ssdlite_mobilenet_v3_small", 1.77, 1_785_743, 162.3),
    (TV, None, 3_440_060, 583.2),
    (f"{TV}@tail=full", None, 5_198_540, 689.8),
    ("ssdlite_mobilenet_v3_small@anchors=torchvision", None, 1_868_108, 195.1),
    ("ssdlite_mobilenet_v3_small@anchors=torchvision,tail=full", None, 2_600_636, 243.2),
]

# The other rows, whose layout no source tells: name; the paper's millions of parameters and billions of multiply-adds;
# ours: millions of parameters without norms and millions of multiply-adds.
BESIDE = [
    ("ssdlite_mobilenet_v1", 5.1, 1.3, 5.210, 1322.4),
    ("ssdlite_mobilenet_v2", 4.3, 0.80, 4.450, 804.4),
    ("ssdlite_mobilenet_v2@width=0.5", 1.54, 0.27, 1.537, 272.3),
    ("ssdlite_mobilenet_v2@width=0.35", 0.93, 0.16, 0.928, 166.6),
    ("ssdlite_mnasnet_a1", 4.88, 0.84, 4.862, 837.8),
    ("ssdlite_mnasnet_a1@width=0.5", 1.68, 0.29, 1.665, 290.4),
    ("ssdlite_mnasnet_a1@width=0.35", 1.02, 0.18, 1.013, 177.3),
]


@pytest.mark.parametrize(("name", "published", "published_madds", "plain", "madds"), BESIDE)
def test_the_other_rows_of_table_6_stand_beside_the_papers(
    name: str, published: float, published_madds: float, plain: float, madds: float
) -> None:
    cost = count_total(find(name))
    millions = (cost.parameters - norm_parameters(name)) / 1e6
    assert round(millions, 3) == plain
    assert round(cost.madds / 1e6, 1) == madds
    assert millions == pytest.approx(published, rel=0.036)
    assert cost.madds / 1e9 == pytest.approx(published_madds, abs=0.023)


def test_the_page_has_every_row_of_table_6_as_it_is_counted() -> None:
    text = (Path(__file__).parents[3] / "docs" / "detection.md").read_text(encoding="utf-8")
    rows = [(name, published) for name, published, *_ in ROWS if published] + [
        (name, paper) for name, paper, *_ in BESIDE
    ]
    told = dict(re.findall(r"^\| `(ssdlite_[^`]*)` \| (.*) \|$", text, re.M))
    assert set(told) == {name for name, _ in rows}
    for name, published in rows:
        cost = count_total(find(name))
        plain = (cost.parameters - norm_parameters(name)) / 1e6
        cells = told[name].split(" | ")
        assert cells[:2] == [f"{cost.parameters:,}", f"{plain:.3f} M"]
        assert (float(cells[2].removesuffix(" M")), cells[3]) == (published, f"{cost.madds / 1e6:.1f} M")


@pytest.mark.parametrize(("name", "published", "parameters", "madds"), ROWS)
def test_counts_of_table_6(name: str, published: float | None, parameters: int, madds: float) -> None:
    spec = find(name)
    cost = count_total(spec)
    assert cost.parameters == parameters
    assert round(cost.madds / 1e6, 1) == madds
    if published is not None:
        assert abs((parameters - norm_parameters(name)) / 1e6 - published) < 0.0055, "the paper leaves norms out"


def norm_parameters(name: str) -> int:
    network = trace_network(find(name))
    operations = [each for part in (*network.blocks, network.head) for each in part.operations]
    return sum(2 * each.output.channels for each in operations if isinstance(each, Convolution) and each.norm)


@pytest.mark.parametrize(
    ("name", "block", "channels"),
    [("mobilenet_v3_large", 13, 672), ("mobilenet_v3_small", 9, 288), ("mobilenet_v2", 14, 576)],
)
def test_the_first_map_is_the_expansion_of_the_first_block_at_stride_32(name: str, block: int, channels: int) -> None:
    spec = find(name)
    assert coarse_tap(spec).block == block
    maps = trace_network(with_ssdlite(spec).with_resolution(320)).head.inputs
    assert (maps[0].channels, maps[0].height, maps[1].height) == (channels, 20, 10)


def test_a_block_without_an_expansion_is_heard_at_its_input() -> None:
    tap = coarse_tap(find("mobilenet_v1"))
    assert tap.point is Point.INPUT
    assert trace_network(with_ssdlite(find("mobilenet_v1"), tail=Tail.FULL)).head.inputs[0].height == 14


def test_anchor_counts() -> None:
    assert count_anchors(AnchorScheme.TENSORFLOW, 6) == (3, 6, 6, 6, 6, 6)
    assert count_anchors(AnchorScheme.TORCHVISION, 6) == (6,) * 6


def test_a_file_answers_with_corners_and_scores() -> None:
    spec = find("ssdlite_mobilenet_v3_small@classes=3")
    assert trace_network(spec).head.outputs[0].channels == 8 + 1 + 3
    assert trace_network(with_decoding(spec)).head.outputs[0].channels == 4 + 1 + 3
    assert list(trace_network(with_decoding(spec)).tensors()) == list(trace_network(spec).tensors())


@pytest.mark.parametrize("name", ["squeezenet_1_1", "mobilenet_v1"])
def test_what_cannot_be_a_detector_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=r"no block reaches stride 32|cannot be halved"):
        with_ssdlite(find(name))
    with pytest.raises(SpecError, match="not one for detection"):
        ssdlite_head(find(name))
