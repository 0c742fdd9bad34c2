"""A browser without a window as a device: its block table from nothing, and a fit for it.

    python benchmarks/browser_device.py fit digits.zip --chromium /usr/bin/chromium --budget 20ms --time 5m
    python benchmarks/browser_device.py profile --chromium /usr/bin/chromium

``edgesmith web`` is started with a cache of its own, Chromium opens its page *Phones*, and the verb runs beside them as
a user would type it. One line of the output file a run; a profile that was cut short goes on when it is run again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rows import read_commit

from edgesmith.core.files import append_line

NAME: Final = "chromium"
VERB: Final = (sys.executable, "-m", "edgesmith")
START_S: Final = 60.0


def main() -> None:
    options = parse_options()
    env = {**os.environ, "EDGESMITH_CACHE": str(options.work.resolve() / "cache")}
    with hub(options.work, options.port, env), page(options.chromium, options.port):
        begun = time.monotonic()
        done = subprocess.run(command(options), env=env, stdout=subprocess.PIPE, text=True, check=False)
    row = {"commit": read_commit(), "what": options.what, "seconds": time.monotonic() - begun, "exit": done.returncode}
    answer = json.loads(done.stdout) if done.stdout else {}
    kept = {key: answer[key] for key in ("gate", "pieces", "latency", "metrics", "met", "budget_ms") if key in answer}
    append_line(options.out, json.dumps(row | kept))
    print(json.dumps(row | kept, indent=2))
    sys.exit(done.returncode)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Use a browser without a window as edgesmith's device.")
    parser.add_argument("what", choices=["fit", "profile"])
    parser.add_argument("data", nargs="?", help="pictures, for fit")
    parser.add_argument("--chromium", required=True, help="the browser's program")
    parser.add_argument("--budget", default="20ms")
    parser.add_argument("--time", default="5m", help="of the fit")
    parser.add_argument("--port", type=int, default=8779)
    parser.add_argument("--work", type=Path, default=Path("runs/browser_device"))
    parser.add_argument("--out", type=Path, default=Path("browser_device.jsonl"))
    return parser.parse_args()


def command(options: argparse.Namespace) -> list[str]:
    """The verb."""
    device = f"browser:{NAME}"
    if options.what == "profile":
        return [*VERB, "devices", "profile", device, "--json"]
    wanted = ["--budget", options.budget, "--time", options.time, "--weights", "none", "--json"]
    return [*VERB, "fit", str(options.data), "--device", device, *wanted, "--out", str(options.work / "fit")]


@contextmanager
def hub(work: Path, port: int, env: Mapping[str, str]) -> Iterator[None]:
    """``edgesmith web``, for as long as the block runs."""
    runs = work / "served"
    runs.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen([*VERB, "web", str(runs), "--port", str(port)], env=env) as process:
        try:
            until = time.monotonic() + START_S
            while not (work / "cache" / "web" / "hub.json").is_file():
                if process.poll() is not None or time.monotonic() > until:
                    sys.exit("edgesmith web did not start")
                time.sleep(0.2)
            yield
        finally:
            process.terminate()


@contextmanager
def page(chromium: str, port: int) -> Iterator[Any]:
    """The page *Phones* in a browser of its own, ready for jobs."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            opened = browser.new_page()
            opened.goto(f"http://localhost:{port}/phone?name={NAME}")
            opened.get_by_text(f"Ready as browser:{NAME}").wait_for(timeout=1e3 * START_S)
            yield opened
        finally:
            browser.close()


if __name__ == "__main__":
    main()
