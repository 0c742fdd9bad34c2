"""What ``measure`` says to people: a narrow table, and a line for what does not fit in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from edgesmith.cli.sustained_text import print_sustained
from edgesmith.cli.terminal import print_table
from edgesmith.devices.blocks.times import slowest
from edgesmith.devices.results import Latency, Measurement

_SHOWN: Final = 6


def print_measurement(found: Measurement) -> None:
    """The table of latencies, the verdicts, and what is worth knowing about the session."""
    print_table(
        ["model", "device", "ms", "95 % interval", "p90", "first run", "note"], [_row(x) for x in found.latency]
    )
    for line in (*_verdicts(found), *_usage(found), *_rooflines(found), *_remarks(found)):
        print(line)
    _print_blocks(found)
    print_sustained(found.sustained)


def _row(each: Latency) -> list[str]:
    return [
        each.name,
        each.device,
        f"{each.ms:.3f}",
        f"{each.low_ms:.3f} to {each.high_ms:.3f}",
        f"{each.p90_ms:.3f}",
        f"{each.first_run_ms:.1f}",
        "contended" if each.contended else "",
    ]


def _print_blocks(found: Measurement) -> None:
    """The slowest blocks of each model on each device."""
    for (name, device), each in groupby(found.blocks, key=lambda block: (block.name, block.device)):
        blocks = list(each)
        total = sum(block.ms for block in blocks)
        print(f"\nslowest blocks of {name} on {device}, each timed by itself between two convolutions:")
        print_table(
            ["block", "kind", "ms", "share"],
            [[str(x.index), x.kind, f"{x.ms:.4f}", f"{x.share:.1%}"] for x in slowest(blocks, _SHOWN)],
        )
        whole = next(each.ms for each in found.latency if (each.name, each.device) == (name, device))
        print(f"all {len(blocks)} add up to {total:.3f} ms; the whole network takes {whole:.3f} ms")
        disturbed = sum(block.disturbed for block in blocks)
        if disturbed:
            print(f"{disturbed} of them: never timed without other work; run the same again for better figures")


def _verdicts(found: Measurement) -> Iterator[str]:
    for pair in found.comparisons:
        a, b = (f"{name} on {device}" for name, device in zip((pair.a, pair.b), pair.devices, strict=True))
        words = f"is {pair.verdict} than" if pair.verdict != "cannot tell" else "against"
        tail = ": cannot tell" if pair.verdict == "cannot tell" else ""
        yield f"{a} {words} {b}{tail} (ratio {pair.ratio:.3f}, 99 % {pair.low:.3f} to {pair.high:.3f})"


def _usage(found: Measurement) -> Iterator[str]:
    """Processor time where it is not the latency itself, and energy."""
    for each in found.latency:
        if each.cpu_ms is not None and each.fingerprint.threads > 1:
            yield f"{each.name} on {each.device}: {each.cpu_ms:.3f} ms of processor time a picture, over all threads"
        if each.energy_mj is not None:
            above = each.energy_above_idle_mj
            less = "" if above is None else f", {above:.2f} of them above what it took in a pause before"
            yield f"{each.name} on {each.device}: {each.energy_mj:.2f} mJ of the processor package a picture{less}"


def _rooflines(found: Measurement) -> Iterator[str]:
    for each in found.latency:
        if each.roofline is not None:
            told = each.roofline
            yield (
                f"{each.name} on {each.device}: {told.madds / 1e6:.1f} M multiply-adds, {told.gflops:.0f} GFLOP/s, "
                f"{told.share:.0%} of this core's matrix product; no less than {told.bound_ms:.3f} ms layer by layer"
            )


def _remarks(found: Measurement) -> Iterator[str]:
    """Notes of the devices, each once, and halves of a session that differ."""
    devices: dict[str, Any] = found.to_dict()["conditions"]["devices"]
    yield from dict.fromkeys(note for told in devices.values() for note in told.get("notes", []))
    for name, told in devices.items():
        if not told.get("aa_steady", True):
            ratio = f"{told['aa_ratio']:.3f} times as long as the first"
            interval = f"99 % {told['aa_low']:.3f} to {told['aa_high']:.3f}"
            yield f"{name}: the second half of the session took {ratio} ({interval}): the machine changed its speed"
