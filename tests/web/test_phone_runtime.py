"""The vendored onnxruntime-web is what its page says."""

from __future__ import annotations

import re
from pathlib import Path

import edgesmith.web
from edgesmith.core.files import sha256_file
from edgesmith.web.phone import RUNTIME_VERSION

FOLDER = Path(edgesmith.web.__file__).parent / "static" / "onnxruntime-web"


def test_files_sizes_and_digests_are_as_written() -> None:
    rows = re.findall(r"^\| `([\w.-]+)` \| ([\d,]+) \| `([0-9a-f]{64})` \|$", (FOLDER / "README.md").read_text(), re.M)
    told = {name: (int(size.replace(",", "")), digest) for name, size, digest in rows}
    found = {
        path.name: (path.stat().st_size, sha256_file(path))
        for path in FOLDER.iterdir()
        if path.suffix in (".mjs", ".wasm")
    }
    assert told == found


def test_the_version_is_the_one_that_is_named() -> None:
    named = re.search(r"^# onnxruntime-web (\S+),", (FOLDER / "README.md").read_text(), re.M)
    assert named is not None
    assert named[1] == RUNTIME_VERSION
    assert f'"{named[1]}"' in (FOLDER / "ort.wasm.min.mjs").read_text()


def test_the_licences_are_there() -> None:
    assert "MIT License" in (FOLDER / "LICENSE").read_text()
    assert "Eigen" in (FOLDER / "ThirdPartyNotices.txt").read_text(errors="replace")
