"""What `import edgesmith` offers, and what it does not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import edgesmith

GOLDEN = Path(__file__).parent / "golden" / "public_names.json"


def run_python(code: str) -> str:
    """Standard output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_public_names_are_the_golden_list() -> None:
    names = json.loads(GOLDEN.read_text())
    assert names == sorted(set(names))
    assert list(edgesmith.__all__) == names


@pytest.mark.parametrize("name", json.loads(GOLDEN.read_text()))
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(edgesmith, name)
    assert isinstance(value, str) or value.__doc__


def test_search_is_a_verb_before_and_after_its_package_is_imported() -> None:
    code = (
        "import edgesmith; verb = edgesmith.search; import edgesmith.search.limits as limits; "
        "print(callable(verb), callable(edgesmith.search), limits.Limits.__name__)"
    )
    assert run_python(code) == "True True Limits"


def test_import_loads_nothing_heavy() -> None:
    heavy = ("torch", "torchvision", "numpy", "PIL", "onnxruntime", "lightning", "typer", "rich")
    loaded = run_python(f"import sys, edgesmith; print([name for name in {heavy!r} if name in sys.modules])")
    assert loaded == "[]"


def test_zoo_and_counting_load_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from edgesmith.arch.cost import count; from edgesmith.arch.zoo.names import find;"
        "print(count(find('mobilenet_v3_small')).total.parameters, 'torch' in sys.modules, 'numpy' in sys.modules)"
    )
    assert run_python(code) == "2542856 False False"
