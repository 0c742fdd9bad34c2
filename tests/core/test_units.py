from __future__ import annotations

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.core.units import format_bytes, format_duration, parse_bytes, parse_milliseconds, parse_seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("5ms", 5.0), ("0.8 ms", 0.8), ("1s", 1000.0), ("250us", 0.25), (" 1.5ms ", 1.5), ("1e1ms", 10.0), ("+2ms", 2.0)],
)
def test_milliseconds(text: str, value: float) -> None:
    assert parse_milliseconds(text) == pytest.approx(value)


@pytest.mark.parametrize(("text", "value"), [("2MB", 2_000_000), ("1.5kB", 1500), ("300B", 300), ("1GB", 10**9)])
def test_bytes(text: str, value: int) -> None:
    assert parse_bytes(text) == value


@pytest.mark.parametrize(("text", "value"), [("90s", 90.0), ("40m", 2400.0), ("2h", 7200.0), ("5min", 300.0)])
def test_seconds(text: str, value: float) -> None:
    assert parse_seconds(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0ms", "--budget must be more than zero, got '0ms'; for example 5ms"),
        ("-3ms", "--budget must be more than zero, got '-3ms'; for example 5ms"),
        ("fast", r"--budget takes a number with a unit \(us, ms, s\), got 'fast'; for example 5ms"),
        ("-3", "--budget takes a number with a unit .*, got '-3'"),
        ("5", "--budget takes a number with a unit .*, got '5'"),
        ("5MB", "got '5MB'"),
        ("", "got ''"),
        ("1..2ms", "got '1..2ms'"),
        ("1e999ms", "got '1e999ms'"),
        ("nanms", "got 'nanms'"),
        ("5ms5ms", "got '5ms5ms'"),
    ],
)
def test_a_budget_that_is_none_answers_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_milliseconds(text)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_option_is_named() -> None:
    with pytest.raises(UsageError, match="--max-memory takes a number"):
        parse_bytes("lots", what="--max-memory")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (75, "1 min 15 s"), (3599.9, "1 h 0 min"), (4000, "1 h 6 min")],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (5_410_000, "5.41 MB"), (999_700, "1000 kB"), (12e9, "12 GB")]
)
def test_sizes_carry_about_three_digits(size: float, text: str) -> None:
    assert format_bytes(size) == text
