"""What ``measure --sustained`` says to people: a sentence and a curve for each file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edgesmith.cli.terminal import print_table
from edgesmith.core.units import format_duration
from edgesmith.devices.steadiness import CANNOT_TELL, SLOWS_DOWN, Window
from edgesmith.devices.sustained import Sustained

_ROWS: Final = 12


def print_sustained(found: Sequence[Sustained]) -> None:
    """A verdict with its curve for each file."""
    for each in found:
        ran, rested = format_duration(each.seconds), format_duration(each.pause_s)
        print(f"\n{each.name} on {each.device} for {ran}, after {rested} of rest: {_verdict(each)}")
        windows = each.windows[:: -(-len(each.windows) // _ROWS)]
        print_table(["from s", "ms", "undisturbed ms", "MHz", "°C", "note"], [_row(window) for window in windows])


def _verdict(each: Sustained) -> str:
    told = each.steadiness
    ratio = f"end over start {told.ratio:.3f}, 99 % {told.low:.3f} to {told.high:.3f}"
    figures = f"{told.start_ms:.3f} ms at the start, {told.end_ms:.3f} ms at the end; {ratio}"
    throttled = "; the frequency fell" if told.throttled and told.verdict != SLOWS_DOWN else ""
    if told.verdict == SLOWS_DOWN:
        return f"slows down by {told.ratio - 1:.1%} after {told.slows_after_s:.0f} s ({figures})"
    if told.verdict == CANNOT_TELL and told.disturbed:
        disturbed = f"other work disturbed {told.disturbed} of {len(each.windows)} windows"
        return f"cannot tell, {disturbed} ({figures}){throttled}"
    return f"{told.verdict} ({figures}){throttled}"


def _row(window: Window) -> list[str]:
    return [
        f"{window.at_s:.0f}",
        f"{window.ms:.3f}",
        f"{window.core_ms:.3f}",
        "-" if window.frequency_mhz is None else f"{window.frequency_mhz:.0f}",
        "-" if window.temperature_c is None else f"{window.temperature_c:.0f}",
        "contended" if window.contended else "",
    ]
