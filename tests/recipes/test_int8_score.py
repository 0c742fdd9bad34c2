"""What each part gives back in float, from trials that are made up here."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.parity import Parity
from edgesmith.deploy.quantize.base import Kind, QuantPlan
from edgesmith.deploy.quantize.mixed import Search, Trial
from edgesmith.recipes.int8_report import _remarks
from edgesmith.recipes.int8_score import Scorer, Sensitivity, sensitivity

SWISH = (Kind.HARD_SWISH,)


def exported(name: str, **in_float: int) -> ExportedFile:
    return ExportedFile(
        format="onnx", path=Path(name), bytes=1, sha256="", precision="int8", batch=None, layout="NCHW", operators={},
        in_float=in_float, preprocessing_inside=False,
    )  # fmt: skip


def trial(name: str, plan: QuantPlan, *, error: float, ms: float) -> Trial:
    return Trial(plan=plan, file=exported(name), ms=ms, error=error)


class Counted:
    """Shares of right answers that were found when the trials were scored."""

    figures = {  # noqa: RUF012 (read only)
        Path("whole"): 0.70, Path("swish"): 0.71, Path("0"): 0.74, Path("1"): 0.71, Path("both"): 0.75,
    }  # fmt: skip


def test_case_q1_parts_are_set_against_the_same_file_without_them() -> None:
    """Two parts were tried alone beside hard-swish in float; sums of parts say nothing of one."""
    trials = (
        trial("whole", QuantPlan(), error=1.30, ms=9.0),
        trial("swish", QuantPlan(float_kinds=SWISH), error=1.25, ms=5.0),
        trial("1", QuantPlan(float_kinds=SWISH, float_parts=("blocks.1",)), error=1.26, ms=5.5),
        trial("0", QuantPlan(float_kinds=SWISH, float_parts=("blocks.0",)), error=1.05, ms=5.2),
        trial("both", QuantPlan(float_kinds=SWISH, float_parts=("blocks.0", "blocks.1")), error=1.0, ms=5.7),
    )
    found = Search(chosen=None, trials=trials, float_ms=10.0, float_error=1.0, reasons=())
    first, second = sensitivity(found, cast("Scorer", Counted()))
    assert (first.part, second.part) == ("blocks.0", "blocks.1")
    assert (first.error, first.points, first.ms) == pytest.approx((0.20, 3.0, 0.2))
    assert (second.error, second.points, second.ms) == pytest.approx((-0.01, 0.0, 0.5))


def parts(*errors: float) -> list[Sensitivity]:
    return [Sensitivity(part=f"blocks.{i}", error=error, points=1.5, ms=0.1) for i, error in enumerate(errors)]


def kernels(*, alike: bool) -> Parity:
    return Parity(
        relative=0.5,
        num_pictures=16,
        top1_agreement=0.94 if alike else 0.25,
        tolerance=10.0,
        passed=False,
        judged_by="steps",
        step=0.03,
        steps=87.3,
    )


def test_case_q1_the_worst_are_named_in_a_line_and_those_that_lose_nothing_are_not() -> None:
    assert _remarks(exported("a"), parts(0.2, 0.1, 0.05, 0.01), None, "nats") == [
        "int8 harms most in blocks.0 (0.200 nats, +1.5 points), blocks.1 (0.100 nats, +1.5 points), "
        "blocks.2 (0.050 nats, +1.5 points)"
    ]
    assert _remarks(exported("a"), parts(-0.1), None, "nats") == []


def test_case_q2_kernels_that_overflow_are_told_with_the_way_out() -> None:
    assert _remarks(exported("a"), [], kernels(alike=True), "nats") == []
    (remark,) = _remarks(exported("a"), [], kernels(alike=False), "nats")
    assert remark == (
        "this machine's integer kernels are 87 steps off the file's own arithmetic, with the same best class on 25% of "
        "pictures: sums may overflow; try --reduce-range on"
    )


def test_case_l7_what_computes_in_float_is_told() -> None:
    assert _remarks(exported("a", HardSigmoid=9, Mul=2), [], None, "nats") == [
        "computes in float: 9 HardSigmoid, 2 Mul"
    ]
