"""The examination of an installation."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types

import pytest

from edgesmith.recipes.doctor import BASE, RUNTIMES, TRAIN, WEB, WEIGHTS, examine

MISMATCH = "operator torchvision::nms does not exist"


def test_a_whole_installation_is_fine() -> None:
    findings = {finding.name: finding for finding in examine()}
    assert set(findings) == {
        "machine",
        "python",
        *BASE,
        *TRAIN,
        *WEIGHTS,
        *WEB,
        *(name for names in RUNTIMES.values() for name in names),
    }
    assert {finding.state for finding in findings.values()} == {"ok"}


def test_case_c7_builds_that_do_not_match_are_named_with_the_mend() -> None:
    def importer(name: str) -> types.ModuleType:
        if name == "torchvision":
            raise RuntimeError(MISMATCH)
        return importlib.import_module(name)

    found = {finding.name: finding for finding in examine(importer)}
    assert found["torchvision"].state == "broken"
    assert MISMATCH in found["torchvision"].detail
    assert "from one place" in found["torchvision"].mend
    assert found["torch"].state == "ok"


@pytest.mark.slow
def test_case_c7_what_needs_no_compiled_operators_goes_on() -> None:
    """Counting, building, exporting and measuring work where torchvision does not import."""
    code = (
        "import sys; sys.modules['torchvision'] = None\n"
        "import edgesmith, tempfile\n"
        "net = 'mobilenet_v3_small@width=0.35,resolution=32,classes=2'\n"
        "edgesmith.build(net)\n"
        "print(edgesmith.export(net, out=tempfile.mkdtemp())['files'][0]['parity']['passed'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr
