from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import UsageError
from edgesmith.devices.agent.protocol import Content, Work
from edgesmith.devices.browser.protocol import About, Envelope, Picture, Request
from edgesmith.devices.plan import Plan

FILE = Content(sha256="a" * 64, bytes=10)
PHONE: dict[str, Any] = {
    "name": "pixel",
    "user_agent": "Mozilla/5.0",
    "model": "Pixel 7",
    "version": "1.30.0",
    "cores": 8,
    "isolated": True,
    "secure": True,
    "simd": True,
    "webgpu": False,
    "clock_us": 5.0,
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a:b"),
        ("name", "x" * 41),
        ("name", "-x"),
        ("user_agent", "x" * 301),
        ("model", "two\nlines"),
        ("cores", 0),
        ("cores", "8"),
        ("clock_us", -1.0),
        ("clock_us", float("nan")),
        ("isolated", "yes"),
    ],
)
def test_what_a_page_says_of_itself_is_checked(field: str, value: object) -> None:
    from_dict(About, PHONE)
    with pytest.raises(UsageError, match=field):
        from_dict(About, {**PHONE, field: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"backend": "gpu"},
        {"threads": 0},
        {"models": ()},
        {"plan": None},
        {"work": Work.RUN},
        {"work": Work.DESCRIBE},
        {"client": "x" * 301},
        {
            "work": Work.RUN,
            "plan": None,
            "models": (FILE, FILE),
            "images": Picture(content=FILE, dtype="int8", shape=(1,)),
        },
    ],
)
def test_a_job_that_makes_no_sense_is_none(changes: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"work": Work.TIME, "models": (FILE,), "threads": 1, "backend": "wasm", "plan": Plan()}
    with pytest.raises(UsageError):
        Request(**{**whole, **changes})


def test_a_job_survives_the_way() -> None:
    picture = Picture(content=Content(sha256="b" * 64, bytes=3), dtype="float32", shape=(1, 3, 4, 4))
    request = Request(work=Work.RUN, models=(FILE,), threads=2, backend="webgpu", images=picture, client="desk-7")
    assert from_dict(Request, json.loads(json.dumps(to_dict(request)))) == request
    assert request.contents == (FILE, picture.content)
    assert request.about == "running 1 file"


@given(st.dictionaries(st.text(max_size=5), st.integers()), st.binary(max_size=50))
def test_an_envelope_survives_the_way(head: dict[str, int], body: bytes) -> None:
    assert Envelope.unpack(Envelope(head=head, body=body).pack()) == Envelope(head=head, body=body)


def test_an_envelope_is_what_the_page_writes() -> None:
    assert Envelope(head={"a": 1}, body=b"xy").pack() == b'\x07\x00\x00\x00{"a":1}xy'


@given(st.binary(max_size=40))
def test_other_bytes_are_refused(data: bytes) -> None:
    try:
        envelope = Envelope.unpack(data)
    except UsageError:
        return
    assert isinstance(envelope.head, dict)


@pytest.mark.parametrize("text", [b"[]", b"1", b"{", b"[" * 100_000])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(UsageError, match="JSON of an object"):
        Envelope.unpack(struct.pack("<I", len(text)) + text)
    with pytest.raises(UsageError, match="JSON of an object"):
        Envelope.unpack(struct.pack("<I", 100) + b"{}")
