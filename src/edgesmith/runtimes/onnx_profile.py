"""What ONNX Runtime does with a file, operator by operator, as its own profiler tells after the file was optimised."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort

from edgesmith.core.errors import DeviceError
from edgesmith.runtimes.base import Array

_MOVES: Final = (
    "Concat",
    "Flatten",
    "Gather",
    "ReorderInput",
    "ReorderOutput",
    "Reshape",
    "Slice",
    "Split",
    "Transpose",
)
_NO_ARITHMETIC: Final = frozenset({*_MOVES, "Cast", "DequantizeLinear", "Squeeze"})
_ERRORS_ONLY: Final = 3


@dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """One operator of the optimised graph.

    Attributes:
        kind: Its type; ONNX Runtime's own, such as ``QLinearConv``, where it replaced the file's.
        dtype: ONNX's name of the first output's type, such as ``float`` or ``uint8``.
        ms: Milliseconds of one run; the median over the runs.
    """

    kind: str
    dtype: str
    ms: float


def profile_operators(path: Path, images: Array, *, runs: int = 1) -> list[OperatorTime]:
    """Run a file with the profiler on, one thread.

    Args:
        path: An ONNX file with one input.
        images: What it takes.
        runs: Timed runs, after one that is not.

    Raises:
        DeviceError: The file cannot be loaded or does not take the pictures.
    """
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as folder:
        settings = ort.SessionOptions()
        settings.intra_op_num_threads = 1
        settings.log_severity_level = _ERRORS_ONLY
        settings.enable_profiling = True
        settings.profile_file_prefix = str(Path(folder) / "profile")
        try:
            session = ort.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
            for _ in range(1 + runs):
                session.run(None, {session.get_inputs()[0].name: images})
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        except Exception as error:  # each of onnxruntime's errors derives from Exception and from nothing else
            reason = " ".join(str(error).split())[-200:]
            raise DeviceError(f"onnxruntime cannot profile {path}: {reason}; export the file again") from error
    return _operators(events, runs)


def float_operators(path: Path, images: Array) -> dict[str, int]:
    """How often each operator computes in float; those that only move or convert values are none."""
    return dict(
        Counter(
            each.kind
            for each in profile_operators(path, images)
            if each.dtype.startswith("float")
            and each.kind not in _NO_ARITHMETIC
            and not each.kind.startswith("QLinear")
        )
    )


def operator_shares(path: Path, images: Array, *, runs: int) -> dict[str, float]:
    """Each kind's share of the time, 0..1, the largest first."""
    times: dict[str, float] = {}
    for each in profile_operators(path, images, runs=runs):
        times[each.kind] = times.get(each.kind, 0.0) + each.ms
    whole = sum(times.values())
    return {kind: times[kind] / whole for kind in sorted(times, key=lambda kind: -times[kind])}


def _operators(events: list[Mapping[str, Any]], runs: int) -> list[OperatorTime]:
    """One entry for each node, in the order of the runs; the first run is left out."""
    samples: dict[str, list[float]] = {}
    facts: dict[str, tuple[str, str]] = {}
    for event in events:
        if event.get("cat") == "Node" and str(event["name"]).endswith("_kernel_time"):
            given = event["args"].get("output_type_shape") or [{}]
            samples.setdefault(event["name"], []).append(event["dur"] / 1e3)
            facts[event["name"]] = (str(event["args"]["op_name"]), next(iter(given[0]), ""))
    return [
        OperatorTime(kind=facts[name][0], dtype=facts[name][1], ms=sorted(times[-runs:])[runs // 2])
        for name, times in samples.items()
    ]
