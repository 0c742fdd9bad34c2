"""What may be asked of int8 files, and how the processor decides over the width of weights."""

from __future__ import annotations

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.deploy.quantize.base import Ranges
from edgesmith.deploy.quantize.table import QUANTIZERS
from edgesmith.recipes.int8_wishes import Wishes, sums_overflow

OLD = frozenset({"sse4_2", "avx", "avx2", "fma"})
NEW = OLD | {"avx512f", "avx512_vnni"}
SCORE = {"top1": 0.7, "loss": 0.031, "loss_low": 0.011, "loss_high": 0.052}


@pytest.mark.parametrize(
    ("flags", "overflow"),
    [(OLD, True), (OLD | {"avx512f", "avx512bw"}, True), (NEW, False), (OLD | {"avx_vnni"}, False), (set(), False)],
)
def test_case_q2_sums_overflow_on_x86_without_vnni(flags: set[str], overflow: bool) -> None:
    assert sums_overflow(flags) == overflow


@pytest.mark.parametrize("format_name", QUANTIZERS)
def test_case_q2_weights_get_seven_bits_where_kernels_need_it(format_name: str) -> None:
    """XNNPACK's kernels, of LiteRT and ExecuTorch, add in thirty-two bits everywhere."""
    depends = format_name in ("onnx", "openvino")
    assert Wishes().plan(format_name, Ranges.MINMAX, flags=OLD).reduce_range == depends
    assert not Wishes().plan(format_name, Ranges.MINMAX, flags=NEW).reduce_range
    assert not Wishes(reduce_range="off").plan(format_name, Ranges.MINMAX, flags=OLD).reduce_range
    if depends:
        assert Wishes(reduce_range="on").plan(format_name, Ranges.MINMAX, flags=NEW).reduce_range
        return
    with pytest.raises(UsageError, match=f"{format_name}'s quantizer has no weights of seven bits"):
        Wishes(reduce_range="on").plan(format_name, Ranges.MINMAX)


def test_case_q1_a_file_that_loses_more_is_refused_with_its_interval() -> None:
    assert Wishes().refuse(SCORE) is None
    assert Wishes(max_loss=3.2).refuse(SCORE) is None
    assert Wishes(max_loss=2).refuse(SCORE) == (
        "it loses 3.1 points of top-1 (95 % interval 1.1 to 5.2), more than --max-loss 2"
    )


@pytest.mark.parametrize(("key", "label"), [("miou", "mIoU"), ("map", "mAP")])
def test_the_limit_of_loss_is_in_points_of_the_tasks_own_figure(key: str, label: str) -> None:
    score = {key: 0.5, "loss": 0.031, "loss_low": 0.011, "loss_high": 0.052}
    assert Wishes(max_loss=3.2).refuse(score) is None
    assert f"it loses 3.1 points of {label} (95 %" in str(Wishes(max_loss=2).refuse(score))


def test_case_q11_what_a_file_takes_is_in_its_name_and_plan() -> None:
    assert [Wishes(input=each).mark for each in ("float32", "uint8", "int8")] == ["", "-uint8", "-int8"]
    assert [Wishes(input=each).pixels for each in ("float32", "uint8", "int8")] == [False, True, False]
    assert Wishes(input="int8").plan("litert", Ranges.MINMAX).integer_ends
    with pytest.raises(UsageError, match="int8 onnx files take float32 pictures or uint8 pixels here, not int8"):
        Wishes(input="int8").plan("onnx", Ranges.MINMAX)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"input": "uint16"}, "unknown input 'uint16'; did you mean 'uint8'"),
        ({"reduce_range": "yes"}, "unknown value of --reduce-range 'yes'; choices: auto, off, on"),
        ({"max_loss": -1.0}, "--max-loss is in points of top-1, mIoU or mAP, 0 to 100, got -1"),
        ({"max_loss": float("nan")}, "--max-loss is in points of top-1, mIoU or mAP, 0 to 100, got nan"),
    ],
)
def test_wishes_without_sense_are_told_with_the_choices(wishes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Wishes(**wishes)  # type: ignore[arg-type]
