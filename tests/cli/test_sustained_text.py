from __future__ import annotations

from dataclasses import replace

import pytest

from edgesmith.cli.main import run
from edgesmith.cli.sustained_text import print_sustained
from edgesmith.devices.sustained import Sustained
from tests.devices.test_sustained import WarmingDevice, take


def lines(found: Sustained, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_sustained([found])
    return capsys.readouterr().out.splitlines()[1:]


def test_a_slow_down_is_told_with_size_and_moment(capsys: pytest.CaptureFixture[str]) -> None:
    found = take(WarmingDevice(hot_after_s=90.0, factor=1.5))
    verdict, head, *rows = lines(found, capsys)
    told = found.steadiness
    assert verdict == (
        f"net on fake for 5 min, after 1 min of rest: slows down by {told.ratio - 1:.1%} after 90 s "
        f"({told.start_ms:.3f} ms at the start, {told.end_ms:.3f} ms at the end; "
        f"end over start {told.ratio:.3f}, 99 % {told.low:.3f} to {told.high:.3f})"
    )
    assert head.split() == ["from", "s", "ms", "undisturbed", "ms", "MHz", "°C", "note"]
    assert len(rows) == 10
    assert [row.split()[0] for row in rows[:3]] == ["0", "30", "60"]
    assert rows[-1].split()[3:] == ["2400", "80"]


def test_steadiness_and_doubt_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    steady = take(WarmingDevice())
    assert "of rest: steady (1.871 ms at the start, 1.868 ms at the end;" in lines(steady, capsys)[0]
    disturbed = take(WarmingDevice(disturbed=range(200, 1000)))
    line = lines(disturbed, capsys)[0]
    count = disturbed.steadiness.disturbed
    assert f"of rest: cannot tell, other work disturbed {count} of 30 windows (" in line
    fell = replace(disturbed, steadiness=replace(disturbed.steadiness, throttled=True))
    assert lines(fell, capsys)[0].endswith("; the frequency fell")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "--sustained takes a number with a unit"),
        ("5", "--sustained takes a number with a unit"),
        ("10s", "at least 30s"),
    ],
)
def test_a_stretch_without_sense_is_one_line(capsys: pytest.CaptureFixture[str], text: str, wanted: str) -> None:
    assert run(["measure", "mobilenet_v3_small", "--sustained", text]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert wanted in line


def test_blocks_of_a_bare_file_are_refused_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("model") / "model.onnx"
    file.write_bytes(b"never read")
    assert run(["measure", str(file), "--blocks"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is a model file; this needs a zoo name" in line
