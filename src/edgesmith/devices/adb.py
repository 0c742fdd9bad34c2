"""An Android phone at the other end of ``adb``, timed by the runtimes' own benchmark programs.

Command lines and parsing are tested on output that those programs gave to others; none of it was tried on a phone here.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.core.files import sha256_file
from edgesmith.core.seed import generator
from edgesmith.core.table import lookup, unknown
from edgesmith.deploy.base import file_kind
from edgesmith.devices.base import Array, Conditions, Fingerprint, Sample, Session
from edgesmith.devices.clock import SystemClock
from edgesmith.devices.options import DeviceChoice
from edgesmith.devices.plan import Plan

TOOLS_VARIABLE: Final = "EDGESMITH_ADB_TOOLS"
FOLDER: Final = PurePosixPath("/data/local/tmp/edgesmith")

_ROUNDS: Final = 4
_RUNS: Final = 50
_TIMEOUT_S: Final = 300

Shell = Callable[[Sequence[str]], str]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one start of a benchmark program tells.

    Attributes:
        ms: Mean of the timed runs.
        first_ms: The first run; the mean where the program does not tell.
        runs: How many were timed.
    """

    ms: float
    first_ms: float
    runs: int


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A runtime's own program that times one file.

    Attributes:
        format: Of the files that it takes.
        program: Its name.
        command: Its arguments for a file, a number of threads and of runs.
        parse: Its output.
    """

    format: str
    program: str
    command: Callable[[str, int, int], list[str]]
    parse: Callable[[str], Timing]


def parse_litert(text: str) -> Timing:
    """``benchmark_model``: microseconds, the warm-up's line first and the timed runs' line last.

    Raises:
        DeviceError: There is no such line.
    """
    lines = re.findall(r"count=(\d+) first=([\d.]+) .*?avg=([\d.]+)", text)
    first = re.search(r"First inference: ([\d.]+)", text)
    if not lines or first is None:
        raise DeviceError(f"benchmark_model told no times: {_tail(text)}")
    count, _, mean = lines[-1]
    return Timing(ms=float(mean) / 1e3, first_ms=float(first[1]) / 1e3, runs=int(count))


def parse_onnxruntime(text: str) -> Timing:
    """``onnxruntime_perf_test``: milliseconds.

    Raises:
        DeviceError: There is no line of the mean.
    """
    mean = re.search(r"Average inference time cost(?: total)?: *([\d.]+) ms", text)
    count = re.search(r"Total inference requests: *(\d+)", text)
    if mean is None or count is None:
        raise DeviceError(f"onnxruntime_perf_test told no times: {_tail(text)}")
    return Timing(ms=float(mean[1]), first_ms=float(mean[1]), runs=int(count[1]))


BENCHMARKS: Final[Mapping[str, Benchmark]] = MappingProxyType(
    {
        "litert": Benchmark(
            format="litert",
            program="benchmark_model",
            command=lambda file, threads, runs: [
                f"--graph={file}",
                f"--num_threads={threads}",
                f"--num_runs={runs}",
                "--use_xnnpack=true",
            ],
            parse=parse_litert,
        ),
        "onnxruntime": Benchmark(
            format="onnx",
            program="onnxruntime_perf_test",
            command=lambda file, threads, runs: [
                "-I",
                "-m",
                "times",
                "-r",
                str(runs),
                "-x",
                str(threads),
                "-y",
                "1",
                file,
            ],
            parse=parse_onnxruntime,
        ),
    }
)


class AdbDevice:
    """Times files on a phone; a start of the benchmark program is one loading of the file and one sample.

    Args:
        shell: Runs ``adb`` with some arguments and returns what it wrote.
        benchmark: The program.
        name: The device as the user typed it.
        threads: Threads that share one run.
        precision: Number format of the files that are meant.
        tools: Folder of this machine with the benchmark programs, for a phone that lacks them; None for none.
    """

    def __init__(
        self, shell: Shell, benchmark: Benchmark, *, name: str, threads: int, precision: str, tools: Path | None
    ) -> None:
        self.name = name
        self.format = file_kind(benchmark.format, precision)
        self._shell = shell
        self._benchmark = benchmark
        self._threads = threads
        self._precision = precision
        self._tools = tools

    def fingerprint(self) -> Fingerprint:
        """The setting that the latencies belong to, as the phone tells it."""
        return Fingerprint(
            device=self.name,
            runtime=self._benchmark.program,
            version=self._on_phone(["md5sum", "-b", str(self._program())]).split()[0],
            precision=self._precision,
            threads=self._threads,
            cpu=" ".join(self._on_phone(["getprop", key]).strip() for key in ("ro.product.model", "ro.soc.model")),
            os=f"Android {self._on_phone(['getprop', 'ro.build.version.release']).strip()}",
            python="none",
        )

    def time(self, files: Sequence[Path], plan: Plan) -> Session:
        """Time files in turns; see `edgesmith.devices.base.Device`."""
        clock, rng = SystemClock(), generator(plan.seed, "session")
        started = clock.wall_s()
        fingerprint = self.fingerprint()
        there = [self._push(file) for file in files]
        samples: list[Sample] = []
        first: list[list[float]] = [[] for _ in files]
        for load in range(plan.loads):
            for number in range(_ROUNDS):
                for subject in rng.permutation(len(files)).tolist():
                    timing = self._run(there[subject])
                    first[subject].append(timing.first_ms)
                    samples.append(
                        Sample(
                            subject=subject,
                            load=load,
                            round=number,
                            wall_ms=timing.ms,
                            cpu_ms=None,
                            runs=timing.runs,
                        )
                    )
        return Session(
            fingerprint=fingerprint,
            conditions=Conditions(notes=("timed by the runtime's own program over adb",)),
            samples=tuple(samples),
            first_runs_ms=tuple(tuple(runs) for runs in first),
            seconds=clock.wall_s() - started,
        )

    def run(self, file: Path, images: Array) -> tuple[Array, ...]:
        """Refused: the benchmark programs give no answers.

        Raises:
            DeviceError: Always.
        """
        raise DeviceError(f"{self.name} times files and gives no answers; score {file} on a runtime of this machine")

    def _run(self, file: str) -> Timing:
        program = [str(self._program()), *self._benchmark.command(file, self._threads, _RUNS)]
        return self._benchmark.parse(self._on_phone(program))

    def _push(self, file: Path) -> str:
        """Put a file onto the phone under its digest, unless it is there."""
        if not file.is_file():
            raise DeviceError(f"no such model file: {file}")
        there = f"{FOLDER}/{sha256_file(file)}{file.suffix}"
        if "there" not in self._on_phone(["test", "-f", there, "&&", "echo", "there", "||", "true"]):
            self._shell(["shell", f"mkdir -p {FOLDER}"])
            self._shell(["push", str(file), there])
        return there

    def _program(self) -> PurePosixPath:
        return FOLDER / self._benchmark.program

    def prepare(self) -> None:
        """Make sure that the phone answers and has the benchmark program.

        Raises:
            DeviceError: It does not answer, or lacks the program and no folder has it.
        """
        program = self._program()
        if "there" in self._on_phone(["test", "-x", str(program), "&&", "echo", "there", "||", "true"]):
            return
        local = None if self._tools is None else self._tools / program.name
        if local is None or not local.is_file():
            raise DeviceError(
                f"the phone has no {program}; put the {program.name} of its processor into a folder and name that "
                f"folder in {TOOLS_VARIABLE}"
            )
        self._shell(["shell", f"mkdir -p {FOLDER}"])
        self._shell(["push", str(local), str(program)])
        self._on_phone(["chmod", "755", str(program)])

    def _on_phone(self, words: Sequence[str]) -> str:
        return self._shell(["shell", " ".join(word if word in ("&&", "||") else shlex.quote(word) for word in words)])


def connect_phone(choice: DeviceChoice, *, environment: Mapping[str, str] = os.environ) -> AdbDevice:
    """The phone that ``adb@SERIAL/litert`` names.

    Raises:
        UsageError: The runtime has no benchmark program, or an option is given.
        DeviceError: There is no adb, no such phone, or no benchmark program.
    """
    benchmark = lookup(BENCHMARKS, choice.there, what="runtime of a phone")
    for option in choice.options:
        raise unknown(option, ("threads", "int8"), what=f"option of device {choice.name!r}")
    if not re.fullmatch(r"[\w.:-]+", choice.place):
        raise UsageError(f"{choice.place!r} is no serial number; adb devices lists them")
    folder = environment.get(TOOLS_VARIABLE)
    device = AdbDevice(
        adb_shell(choice.place),
        benchmark,
        name=choice.text,
        threads=choice.threads,
        precision=choice.precision,
        tools=Path(folder) if folder else None,
    )
    device.prepare()
    return device


def adb_shell(serial: str) -> Shell:
    """Runs ``adb`` for one phone."""

    def run(arguments: Sequence[str]) -> str:
        try:
            done = subprocess.run(
                ["adb", "-s", serial, *arguments], capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
            )
        except FileNotFoundError:
            raise DeviceError("adb is not installed; it comes with Android's platform tools") from None
        except subprocess.TimeoutExpired:
            raise DeviceError(f"phone {serial} did not answer within {_TIMEOUT_S} s") from None
        if done.returncode != 0:
            raise DeviceError(f"adb for phone {serial} failed: {_tail(done.stderr or done.stdout)}")
        return done.stdout + done.stderr

    return run


def _tail(text: str) -> str:
    return " ".join(text.split())[-160:] or "nothing"
