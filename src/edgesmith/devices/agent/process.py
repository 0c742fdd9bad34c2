"""The agent's end of its child process, which does the work and may crash, hang or be killed."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

_LINE_BYTES: Final = 4096
_END: Final = b""
_WAKE: Final = b"\n"


class WorkerProcess:
    """A Python process of its own session that answers one line of JSON with one line of JSON.

    It ends when its standard input closes, so whenever this process ends. It must be started by a thread that lives as
    long as it should: on Linux it is killed with that thread.

    Args:
        command: What to start.
        temporary: Its folder for temporary files, and that of the libraries in it.
    """

    def __init__(self, command: tuple[str, ...], *, temporary: Path) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))},
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._said: deque[bytes] = deque(maxlen=20)
        self._threads = [
            threading.Thread(target=work, args=(stream,), daemon=True)
            for work, stream in ((self._read_answers, self._process.stdout), (self._read_errors, self._process.stderr))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def send(self, message: Mapping[str, Any]) -> None:
        """Give it work; that it has died is said by `next_answer`."""
        assert self._process.stdin is not None, "it was opened as a pipe"
        with suppress(OSError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def next_answer(self, timeout_s: float) -> Mapping[str, Any] | None:
        """Its next answer; None when the time is over or `wake` was called.

        Raises:
            EOFError: It has ended; the message says how.
        """
        try:
            line = self._lines.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None
        if line == _END:
            raise EOFError(self._how_it_ended())
        if line == _WAKE:
            return None
        answer = json.loads(line)
        assert isinstance(answer, dict), "our own worker answers with objects"
        return answer

    def wake(self) -> None:
        """Let `next_answer` return, from another thread."""
        self._lines.put(_WAKE)

    def kill(self) -> None:
        """End it and what it has started, at once."""
        if self._process.poll() is None:
            with suppress(OSError):
                if sys.platform == "win32":
                    self._process.kill()
                else:
                    os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _read_answers(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put(_END)

    def _read_errors(self, stream: IO[bytes]) -> None:
        for line in iter(lambda: stream.readline(_LINE_BYTES), b""):
            self._said.append(line)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(timeout=1.0)

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        self._join()
        said = [text for line in self._said if (text := line.decode(errors="replace").strip())]
        return _exit_words(code) + (f": {said[-1][:200]}" if said else "")


def worker_command(folder: Path, *, max_bytes: int) -> tuple[str, ...]:
    """Starts `edgesmith.devices.agent.worker`.

    Args:
        folder: The agent's folder.
        max_bytes: Largest outputs of one run.
    """
    return (sys.executable, "-P", "-m", "edgesmith.devices.agent.worker", str(folder), str(max_bytes))


def _exit_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
