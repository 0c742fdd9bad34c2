"""What bash is offered behind a command that was begun."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from edgesmith.arch.zoo.table import MODELS
from edgesmith.cli import completion


def offered(line: str) -> list[str]:
    """What the installed script asks for when TAB is pressed behind ``line``."""
    words = len(line.split(" ")) - 1
    env = {**os.environ, "_EDGESMITH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(words)}
    code = "import sys; sys.argv[0] = 'edgesmith'; from edgesmith.cli.main import app; app(prog_name='edgesmith')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("edgesmith net", ["netadapt"]),
        ("edgesmith fit flowers.zip --eff", ["--effort"]),
        ("edgesmith fit flowers.zip --effort q", ["quick"]),
        ("edgesmith inspect mobilenet_v3_s", ["mobilenet_v3_small", "mobilenet_v3_small_minimalistic"]),
        ("edgesmith measure mobilenet_v1 --device onnxruntime,op", ["onnxruntime,openvino"]),
    ],
)
def test_tab_offers(line: str, expected: list[str]) -> None:
    assert offered(line) == expected


def test_every_network_is_offered() -> None:
    assert completion.models("") == list(MODELS)


@pytest.mark.parametrize(
    ("complete", "begun", "expected"),
    [
        (completion.models, "mobilenet_v3_small@res", ["mobilenet_v3_small@resolution="]),
        (completion.models, "mobilenet_v3_small@width=0.5,cl", ["mobilenet_v3_small@width=0.5,classes="]),
        (completion.models, "flowers.zip", []),
        (completion.formats, "onnx,lit", ["onnx,litert"]),
        (completion.strategies, "re", ["reinforce"]),
        (completion.spaces, "au", ["auto"]),
    ],
)
def test_values_are_completed(complete: object, begun: str, expected: list[str]) -> None:
    assert callable(complete)
    assert complete(begun) == expected
