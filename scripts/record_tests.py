"""Put a tier's result into the table of a page: record_tests.py TIER JUNIT_XML PAGE."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

from edgesmith.core.units import format_duration

BEGIN, END = "<!-- begin: written by scripts/check-tier -->", "<!-- end -->"
HEAD = ("| tier | passed | failed | skipped | took | commit | day | machine |", "|---|---|---|---|---|---|---|---|")


def main() -> None:
    """Rewrite the tier's line, and leave the others."""
    tier, results, page = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    tested = commit(page)
    before, table, after = re.split(f"{BEGIN}|{END}", page.read_text())
    rows = {line.split("|")[1].strip(): line for line in table.split("\n") if line.startswith("| ")}
    rows.pop("tier", None)
    rows[tier] = row(tier, results, tested)
    lines = "\n".join((*HEAD, *(rows[name] for name in sorted(rows))))
    page.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{END}{after}")


def row(tier: str, results: Path, tested: str) -> str:
    """One line of the table, from what pytest wrote."""
    (suite,) = ElementTree.parse(results).getroot().iter("testsuite")
    tests, failures, errors, skipped = (int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped"))
    failed = failures + errors
    took = format_duration(float(suite.attrib["time"]))
    cells = [tier, tests - failed - skipped, failed, skipped, took, tested, date.today().isoformat(), machine()]
    return f"| {' | '.join(map(str, cells))} |"


def commit(page: Path) -> str:
    """The commit that was tested, and whether there were changes beside it, other than the page's own rows."""
    short = git("rev-parse", "--short", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{page}")
    return f"{short} and changes" if changed else short


def git(*arguments: str) -> str:
    """What git says."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def machine() -> str:
    """Cores and the kind of processor."""
    told = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", told.read_text(), re.MULTILINE) if told.is_file() else []
    return f"{os.cpu_count()} cores, {names[0] if names else platform.machine()}"


if __name__ == "__main__":
    main()
