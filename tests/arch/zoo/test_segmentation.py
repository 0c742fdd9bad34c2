"""The paper's segmenters: what its table 7 says of them, and what its layout was counted to give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgesmith.arch.cost import count, count_total
from edgesmith.arch.edits.segmentation import dense_head, fine_tap, with_lr_aspp, without_upsampling
from edgesmith.arch.heads.lr_aspp import LrAspp
from edgesmith.arch.map_operations import WindowMean
from edgesmith.arch.names import Point
from edgesmith.arch.network import trace_network
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError

V2 = "aspp_mobilenet_v2@tail=halved"
ROWS = [  # name, the paper's millions of parameters, the layout's at 1025x2049: millions, billions of multiply-adds
    ("aspp_mobilenet_v2", 2.11, 2.113, 21.23),
    (V2, None, 1.159, 13.63),
    (f"{V2},decoder=lr_aspp", None, 1.031, 12.78),
    (f"{V2},decoder=lr_aspp,filters=128", None, 0.987, 12.52),
    (f"{V2},decoder=lr_aspp,filters=128,width=0.5", 0.28, 0.283, 3.96),
    (f"{V2},decoder=lr_aspp,filters=128,width=0.35", 0.16, 0.162, 2.45),
    ("raspp_mobilenet_v3_large", 3.60, 3.601, 18.16),
    ("raspp_mobilenet_v3_large@tail=halved", 1.76, 1.762, 11.03),
    ("lraspp_mobilenet_v3_large@filters=256", 1.63, 1.633, 10.13),
    ("lraspp_mobilenet_v3_large", 1.51, 1.507, 9.53),
    ("lraspp_mobilenet_v3_small", 0.47, 0.469, 2.78),
    ("lraspp_mobilenet_v3_large@stride=32", 1.51, 1.507, 7.58),
    ("lraspp_mobilenet_v3_small@stride=32", 0.47, 0.469, 1.96),
]


@pytest.mark.parametrize(("name", "published", "parameters", "madds"), ROWS)
def test_counts_of_table_7(name: str, published: float | None, parameters: float, madds: float) -> None:
    cost = count_total(find(name).with_resolution(1025, 2049))
    assert round(cost.parameters / 1e6, 3) == parameters
    assert round(cost.madds / 1e9, 2) == madds
    assert published is None or round(cost.parameters / 1e6, 2) == published


def test_the_page_has_every_row_of_table_7_as_it_is_counted() -> None:
    text = (Path(__file__).parents[3] / "docs" / "segmentation.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| row (\d+) \| `([^`]*)` \| (.*) \|$", text, re.M)
    assert [int(row) for row, *_ in told] == list(range(1, 12))
    assert {name for _, name, _ in told} == {name for name, *_ in ROWS if "stride=32" not in name}
    for _, name, rest in told:
        cost, cells = count_total(find(name).with_resolution(1025, 2049)), rest.split(" | ")
        assert (cells[0], cells[2]) == (f"{cost.parameters / 1e6:.3f} M", f"{cost.madds / 1e9:.2f} G")


def test_torchvisions_variant_has_its_counts() -> None:
    cost = count_total(find("torchvision_lraspp_mobilenet_v3_large"))
    assert cost.parameters == 3_221_538
    assert round(cost.madds / 1e9, 3) == 2.086


@pytest.mark.parametrize(
    ("resolution", "grid"),
    [("1025x2049", (2, 5)), ("1024x2048", (1, 4)), ("769x769", (1, 1)), ("512x1024", (1, 1)), ("360x480", (1, 1))],
)
def test_the_window_slides_where_it_fits(resolution: str, grid: tuple[int, int]) -> None:
    head = trace_network(find(f"lraspp_mobilenet_v3_large@resolution={resolution}")).head
    window = next(operation for operation in head.operations if isinstance(operation, WindowMean))
    assert (window.output.height, window.output.width) == grid
    assert (window.window != (0, 0)) == (grid != (1, 1) or resolution == "769x769")


@pytest.mark.parametrize(
    ("name", "block", "channels"),
    [("mobilenet_v3_large", 6, 120), ("mobilenet_v3_small", 3, 88), ("mobilenet_v2", 6, 192)],
)
def test_the_fine_tap_is_the_last_depthwise_at_stride_8(name: str, block: int, channels: int) -> None:
    spec = find(name)
    tap = fine_tap(spec)
    assert (tap.block, tap.point) == (block, Point.DEPTHWISE)
    head = trace_network(with_lr_aspp(spec)).head
    assert (head.inputs[0].channels, head.inputs[0].height) == (channels, 28)
    assert head.inputs[1].height == 14


def test_the_answer_has_the_pictures_size_or_the_fine_maps() -> None:
    spec = find("lraspp_mobilenet_v3_small@resolution=97x130")
    assert count(spec).rows[-1].out_shape == (19, 97, 130)
    small = without_upsampling(spec)
    assert count(small).rows[-1].out_shape == (19, 13, 17)
    assert list(trace_network(small).tensors()) == list(trace_network(spec).tensors())
    assert isinstance(dense_head(small), LrAspp)


def test_the_picture_is_no_memory_that_the_head_holds() -> None:
    """It reads the size alone: the peak stays where the backbone has it."""
    large = find("lraspp_mobilenet_v3_small@resolution=512x512")
    assert count_total(without_upsampling(large)).peak_bytes == max(
        row.cost.peak_bytes for row in count(without_upsampling(large)).rows
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [("squeezenet_1_1", "no block reaches stride 32"), ("shufflenet_v1", "cannot be halved")],
)
def test_what_cannot_be_a_segmenter_is_refused(name: str, reason: str) -> None:
    with pytest.raises(SpecError, match=reason):
        with_lr_aspp(find(name))
    with pytest.raises(SpecError, match="has the head 'c"):
        dense_head(find(name))
