from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.report.content import Budget, DataProblem, Latency, Outcome
from edgesmith.report.wording import (
    broken_limits,
    fate_of_candidates,
    format_count,
    format_ms,
    summary_lines,
    total_times,
    verdict,
)
from tests.report.samples import sample_report


def test_figures_carry_about_three_digits() -> None:
    assert [format_ms(ms) for ms in (0.0421, 0.98, 1.017, 12.34, 123.4)] == ["0.042", "0.98", "1.02", "12.3", "123"]
    assert [format_count(count) for count in (999, 15_600, 2_542_856, 5.65e9)] == ["999", "15,600", "2.54 M", "5.65 G"]


def test_the_verdict_names_budget_device_threads_and_interval() -> None:
    assert verdict(sample_report()) == "meets 1.5 ms on onnxruntime, 1 thread: 1.17 ms (1.15 to 1.20)"


@pytest.mark.parametrize(("high_ms", "met"), [(1.49, True), (1.5, True), (1.51, False)])
def test_a_budget_is_met_by_the_upper_end_of_the_interval(high_ms: float, met: bool) -> None:
    report = replace(sample_report(), latency=Latency(ms=1.4, low_ms=1.3, high_ms=high_ms))
    assert (not broken_limits(report)) is met
    assert verdict(report).startswith("meets" if met else "misses")


def test_every_limit_that_is_not_kept_is_said() -> None:
    report = replace(sample_report(), budget=Budget(latency_ms=1.0, size_bytes=5_000_000, memory_bytes=50_000_000))
    assert broken_limits(report) == (
        "the latency's upper end is 1.20 ms, the limit 1 ms",
        "the file has 5.41 MB, the limit 5 MB",
        "its memory was not measured, the limit 50 MB",
    )


def test_the_summary_has_one_line_for_each_thing() -> None:
    assert summary_lines(sample_report()) == [
        "mobilenet_v3_large@width=0.5,resolution=128 meets 1.5 ms on onnxruntime, 1 thread: 1.17 ms (1.15 to 1.20)",
        "accuracy: 84.5 % top-1 (81.0 to 88.0 %) on 400 pictures of val",
        "file: runs/fit-flowers/bundle/model.onnx (5.41 MB)",
        "candidates: 9 tried: 6 raced, 3 dropped before training",
        "data: 2 problems, the first train/roses/1445228333_59a07e0801.jpg",
        "time: 22 min (forecast 23 min)",
        "next: edgesmith predict runs/fit-flowers/bundle my-picture.jpg",
    ]


def test_a_file_name_cannot_break_out_of_its_line() -> None:
    problem = DataProblem(kind="truncated", file="a\n\x1b[2Jb.jpg", detail="")
    lines = summary_lines(replace(sample_report(), problems=(problem,)))
    assert "data: 1 problem, the first a \ufffd[2Jb.jpg" in lines


def test_a_busy_machine_is_said() -> None:
    report = sample_report()
    busy = replace(report, conditions=replace(report.conditions, contended=True))
    assert "the machine was busy while the latency was measured" in summary_lines(busy)


def test_the_forecast_is_the_one_that_was_printed_where_it_is_known() -> None:
    report = sample_report()
    summed = sum(stage.forecast_s for stage in report.stages)
    assert total_times(report).forecast_s == summed
    assert total_times(replace(report, forecast_s=2 * summed)).forecast_s == 2 * summed


def test_what_was_left_out_of_the_race_was_dropped_before_training() -> None:
    report = sample_report()
    rows = tuple(
        replace(row, outcome=Outcome.LEFT_OUT) if row.outcome is Outcome.STOPPED else row for row in report.candidates
    )
    assert fate_of_candidates(report) == "9 tried: 6 raced, 3 dropped before training"
    assert fate_of_candidates(replace(report, candidates=rows)) == "9 tried: 3 raced, 6 dropped before training"
