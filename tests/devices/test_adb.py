"""Phones over adb: command lines, and the output of the benchmark programs as people have posted it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.devices import adb
from edgesmith.devices.adb import BENCHMARKS, AdbDevice, adb_shell, connect_phone, parse_litert, parse_onnxruntime
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.options import DeviceChoice
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_devices

# From tensorflow/tensorflow#42507, an Android phone with four threads.
LITERT = """Loaded model /data/local/tmp/espcn_harmonic_2x_slim_w_cl.tflite
Initialized session in 0.855ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=15 first=49060 curr=33682 min=32825 max=49060 avg=34825.1 std=3930

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=32891 curr=33978 min=32641 max=34005 avg=33209.4 std=450

Inference timings in us: Init: 855, First inference: 49060, Warmup (avg): 34825.1, Inference (avg): 33209.4
"""
# From microsoft/onnxruntime#4331, an ARMv8 board.
ONNXRUNTIME = """Session creation time cost:0.133189 s
Total inference time cost:600.051 s
Total inference requests:7160
Average inference time cost:83.8059 ms
Total inference run time:600.102 s
"""


class Phone:
    """Answers what `AdbDevice` asks; a file takes as many milliseconds as it has bytes."""

    def __init__(self, *, has_program: bool = True) -> None:
        self.files = {f"{adb.FOLDER}/benchmark_model": 1} if has_program else {}
        self.calls: list[list[str]] = []

    def __call__(self, arguments: Sequence[str]) -> str:
        self.calls.append(list(arguments))
        if arguments[0] == "push":
            self.files[arguments[2]] = len(Path(arguments[1]).read_bytes())
            return ""
        words = arguments[1].split()
        if words[0] == "test":
            return "there\n" if words[2] in self.files else ""
        if words[0] == "getprop":
            return {"ro.product.model": "Pixel 9", "ro.soc.model": "Tensor G4"}.get(words[1], "16") + "\n"
        if words[0] == "md5sum":
            return "0123456789abcdef *benchmark_model\n"
        if words[0].endswith("benchmark_model"):
            (graph,) = [word.partition("=")[2] for word in words if word.startswith("--graph=")]
            us = 1000 * self.files[graph]
            return (
                f"count=9 first={us + 500} curr={us} min={us} max={us + 500} avg={us + 100} std=9\n"
                f"count=50 first={us} curr={us} min={us} max={us} avg={us} std=1\n"
                f"Inference timings in us: Init: 855, First inference: {us + 500}, Inference (avg): 1\n"
            )
        return ""


def device(phone: Phone, *, tools: Path | None = None, threads: int = 2) -> AdbDevice:
    return AdbDevice(
        phone, BENCHMARKS["litert"], name="adb@PIXEL/litert", threads=threads, precision="float32", tools=tools
    )


def test_litert_tells_the_timed_runs_and_the_first() -> None:
    timing = parse_litert(LITERT)
    assert (timing.ms, timing.first_ms, timing.runs) == (33.2094, 49.06, 50)


def test_onnxruntime_tells_the_mean() -> None:
    timing = parse_onnxruntime(ONNXRUNTIME)
    assert (timing.ms, timing.runs) == (83.8059, 7160)


@pytest.mark.parametrize("parse", [parse_litert, parse_onnxruntime])
def test_output_without_times_is_told_with_its_end(parse: object) -> None:
    assert callable(parse)
    with pytest.raises(DeviceError, match=r"told no times: .*Failed to load model"):
        parse("STARTING!\nFailed to load model\n")


def test_files_take_turns_and_are_sent_once(tmp_path: Path) -> None:
    phone = Phone()
    for name, size in (("fast", 2), ("slow", 4)):
        (tmp_path / f"{name}.tflite").write_bytes(b"x" * size)
    subjects = [Subject(name=name, files={"litert": tmp_path / f"{name}.tflite"}) for name in ("fast", "slow")]
    found = measure(subjects, [device(phone)], plan=Plan(loads=2, min_loads=3, enough_loads=3, max_loads=4))
    assert [latency.ms for latency in found.latency] == pytest.approx([2.0, 4.0])
    assert [latency.first_run_ms for latency in found.latency] == pytest.approx([2.5, 4.5])
    assert found.comparisons[0].verdict == "faster"
    assert sum(call[0] == "push" for call in phone.calls) == 2
    fingerprint = found.latency[0].fingerprint
    assert (fingerprint.cpu, fingerprint.os, fingerprint.threads) == ("Pixel 9 Tensor G4", "Android 16", 2)


def test_the_command_line_names_file_threads_and_runs(tmp_path: Path) -> None:
    phone = Phone()
    file = tmp_path / "a b.tflite"
    file.write_bytes(b"xyz")
    device(phone, threads=4).time([file], Plan(loads=1))
    (command,) = {call[1] for call in phone.calls if "--graph" in call[1]}
    there = next(name for name in phone.files if name.endswith(".tflite"))
    wanted = f"{adb.FOLDER}/benchmark_model --graph={there} --num_threads=4 --num_runs=50 --use_xnnpack=true"
    assert command == wanted
    assert " ".join(BENCHMARKS["onnxruntime"].command("m.onnx", 1, 50)) == "-I -m times -r 50 -x 1 -y 1 m.onnx"


def test_a_phone_without_the_program_gets_it_or_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        DeviceError, match=r"has no /data/local/tmp/edgesmith/benchmark_model; put .* EDGESMITH_ADB_TOOLS"
    ):
        device(Phone(has_program=False)).prepare()
    (tmp_path / "benchmark_model").write_bytes(b"binary")
    phone = Phone(has_program=False)
    device(phone, tools=tmp_path).prepare()
    assert [call for call in phone.calls if "chmod" in call[-1]] == [
        ["shell", "chmod 755 /data/local/tmp/edgesmith/benchmark_model"]
    ]


def test_it_gives_no_answers(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="times files and gives no answers"):
        device(Phone()).run(tmp_path / "a.tflite", np.zeros((1, 8, 8, 3), np.float32))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            DeviceChoice(name="adb", place="R5CT", there="litrt"),
            "unknown runtime of a phone 'litrt'; did you mean 'litert'",
        ),
        (DeviceChoice(name="adb", place="R5;rm", there="litert"), "is no serial number; adb devices lists them"),
        (DeviceChoice(name="adb", place="R5", there="litert", options={"gpu": "on"}), "unknown option .*'gpu'"),
    ],
)
def test_what_cannot_be_is_told_before_a_phone_is_asked(choice: DeviceChoice, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        connect_phone(choice)


def test_the_failures_of_adb_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError

    def offline(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, stdout="", stderr="adb: device 'R5' not found\n")

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(DeviceError, match="adb is not installed"):
        get_devices("adb@R5/litert")
    monkeypatch.setattr(subprocess, "run", offline)
    with pytest.raises(DeviceError, match="adb for phone R5 failed: adb: device 'R5' not found"):
        adb_shell("R5")(["shell", "true"])
