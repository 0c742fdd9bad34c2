from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.core.errors import UsageError
from edgesmith.devices.agent.protocol import Content, Work
from edgesmith.devices.browser.protocol import Envelope, Picture, Request
from edgesmith.devices.browser.results import Timing, check_result, page_error, read_outputs, read_timing
from edgesmith.devices.plan import Plan

FILE = Content(sha256="a" * 64, bytes=10)
PLAN = Plan(loads=2, min_rounds=2, max_rounds=3, samples=1)
TIME = Request(work=Work.TIME, models=(FILE, FILE), threads=1, backend="wasm", plan=PLAN)
RUN = Request(
    work=Work.RUN, models=(FILE,), threads=1, backend="wasm", images=Picture(content=FILE, dtype="uint8", shape=(10,))
)
HEAD: dict[str, Any] = {
    "samples": [[s, load, r, 2.0 + s, 25] for load in (0, 1) for r in (0, 1) for s in (0, 1)],
    "first_runs_ms": [[5.0, 6.0], [7, 8]],
    "reference_ms": [10.0, 10.0, 11.5],
    "seconds": 3.5,
    "dropped": 0,
    "hidden_s": 0,
}


def test_samples_come_as_they_were_sent() -> None:
    timing = read_timing(HEAD, TIME)
    assert [(s.subject, s.load, s.round, s.wall_ms, s.runs) for s in timing.samples] == [
        tuple(row) for row in HEAD["samples"]
    ]
    assert {s.cpu_ms for s in timing.samples} == {None}
    assert timing.first_runs_ms == ((5.0, 6.0), (7.0, 8.0))
    check_result(Envelope(head=HEAD), TIME)


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *way, last, value = path

    def change(head: dict[str, Any]) -> None:
        place: Any = head
        for key in way:
            place = place[key]
        place[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("samples", 0, 0, 2),
        _set("samples", 0, 0, -1),
        _set("samples", 0, 1, 2),
        _set("samples", 0, 2, 3),
        _set("samples", 0, 3, 0.0),
        _set("samples", 0, 3, -1.0),
        _set("samples", 0, 3, float("nan")),
        _set("samples", 0, 3, float("inf")),
        _set("samples", 0, 3, "2.0"),
        _set("samples", 0, 3, True),
        _set("samples", 0, 4, 0),
        _set("samples", 0, 4, 1.5),
        _set("samples", 0, [0, 0, 0, 1.0]),
        _set("samples", 0, {}),
        _set("samples", []),
        _set("samples", None),
        _set("samples", HEAD["samples"][1:]),
        _set("samples", HEAD["samples"][:4]),
        _set("samples", HEAD["samples"] * 9),
        _set("first_runs_ms", [[5.0, 6.0]]),
        _set("first_runs_ms", [[5.0], [7.0]]),
        _set("first_runs_ms", 0, 0, float("inf")),
        _set("reference_ms", [10.0]),
        _set("reference_ms", 1, 0),
        _set("seconds", None),
        _set("dropped", 0.5),
        _set("hidden_s", float("nan")),
    ],
)
def test_what_is_no_timing_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    head = copy.deepcopy(HEAD)
    change(head)
    with pytest.raises(UsageError):
        check_result(Envelope(head=head), TIME)


@pytest.mark.parametrize(
    ("changes", "fastest_ms", "notes"),
    [
        ({}, 10.5, []),
        ({}, 10.0, ["the page's own fixed work took over 10% longer than at its fastest"]),
        ({}, 7.0, ["the page's own fixed work took over 50% longer than at its fastest"]),
        (
            {"dropped": 1, "hidden_s": 4},
            11.0,
            ["the page was hidden for 4 s: 1 loading thrown away and done again"],
        ),
    ],
)
def test_what_the_figures_do_not_say_is_told(changes: dict[str, Any], fastest_ms: float, notes: list[str]) -> None:
    found = read_timing({**HEAD, **changes}, TIME).notes(fastest_ms=fastest_ms)
    assert len(found) == len(notes)
    assert all(a.startswith(b) for a, b in zip(found, notes, strict=True))
    assert isinstance(read_timing(HEAD, TIME), Timing)


def test_arrays_come_as_they_were_sent() -> None:
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([True, False]), np.zeros((0, 4), np.int64)]
    head = {"outputs": [{"dtype": each.dtype.name, "shape": list(each.shape)} for each in arrays]}
    envelope = Envelope(head=head, body=b"".join(each.tobytes() for each in arrays))
    check_result(envelope, RUN)
    for sent, found in zip(arrays, read_outputs(envelope), strict=True):
        assert found.dtype == sent.dtype
        np.testing.assert_array_equal(found, sent)


@pytest.mark.parametrize(
    ("outputs", "body"),
    [
        ([{"dtype": "float32", "shape": [2]}], b"1234567"),
        ([{"dtype": "float32", "shape": [2]}], b"123456789"),
        ([{"dtype": "object", "shape": [1]}], b"12345678"),
        ([{"dtype": "string", "shape": [1]}], b"12345678"),
        ([{"dtype": ["float32"], "shape": [1]}], b"1234"),
        ([{"dtype": "uint8", "shape": [-1]}], b"1"),
        ([{"dtype": "uint8", "shape": [1 << 31, 1 << 31, 1 << 31]}], b"1"),
        ([{"dtype": "uint8", "shape": [1] * 9}], b"1"),
        ([{"dtype": "uint8", "shape": 1}], b"1"),
        ([{"dtype": "uint8"}], b"1"),
        (["uint8"], b"1"),
        ([], b""),
        (None, b""),
    ],
)
def test_what_is_no_array_is_refused(outputs: object, body: bytes) -> None:
    with pytest.raises(UsageError):
        check_result(Envelope(head={"outputs": outputs}, body=body), RUN)


@given(st.text(min_size=1, max_size=3000))
def test_an_error_of_a_page_is_one_printable_line(text: str) -> None:
    line = page_error({"error": text})
    assert line.isprintable() or not line
    assert len(line) <= 300


@pytest.mark.parametrize("error", ["", 5, None, {}])
def test_an_error_is_a_text(error: object) -> None:
    with pytest.raises(UsageError, match="text"):
        check_result(Envelope(head={"error": error}), TIME)
