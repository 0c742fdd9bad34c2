from __future__ import annotations

import pytest

pytest.importorskip("flatbuffers", reason="flatbuffers is not installed")

from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.litert_metadata import read_normalization
from tests.weights.sources.tflite_metadata import normalization

BUFFER = "TFLITE_METADATA"


def test_mean_and_deviation_are_read() -> None:
    assert read_normalization({BUFFER: normalization([127.0], [128.0])}) == ((127.0,) * 3, (128.0,) * 3)
    assert read_normalization({BUFFER: normalization([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])}) == (
        (1.0, 2.0, 3.0),
        (4.0, 5.0, 6.0),
    )


def test_files_without_one() -> None:
    assert read_normalization({}) is None
    assert read_normalization({"min_runtime_version": b"1.5.0"}) is None
    assert read_normalization({BUFFER: normalization([1.0], [1.0], kind=2)}) is None


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(WeightsError, match="hold 2 numbers for 3 channels"):
        read_normalization({BUFFER: normalization([1.0, 2.0], [1.0])})
    with pytest.raises(WeightsError, match="metadata divide the pixels by 0"):
        read_normalization({BUFFER: normalization([1.0], [0.0])})
    with pytest.raises(WeightsError, match="metadata are damaged"):
        read_normalization({BUFFER: b"\x08\0\0\0M001"})
