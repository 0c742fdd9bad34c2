"""Detectors and segmenters that are killed at any moment go on to the same bits."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.data.box_sets import write_coco
from tests.data.shapes import write_shapes

KILLS = 4
SETTINGS = ("pictures=640", "batch_size=8", "replicas=1", "workers=1", "checkpoint_every_seconds=0.2")


def command(data: Path, out: Path) -> list[str]:
    model = "mobilenet_v3_small@width=0.35,resolution=64x96"
    words = [sys.executable, "-m", "edgesmith", "train", model, str(data), "--out", str(out), "--weights", "none"]
    return [*words, *(word for setting in SETTINGS for word in ("--set", setting))]


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_shapes, write_coco])
def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    write: Callable[[Path, dict[str, int]], Path], tmp_path: Path
) -> None:
    data = write(tmp_path / "data", {"train": 24, "val": 4})
    begun = time.monotonic()
    subprocess.run(command(data, tmp_path / "calm"), check=True, capture_output=True)
    seconds = time.monotonic() - begun
    moments = random.Random(0)
    for _ in range(KILLS):
        process = subprocess.Popen(command(data, tmp_path / "killed"), stdout=-3, stderr=-3)
        try:
            process.wait(moments.uniform(0.3, 0.8) * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if (tmp_path / "killed" / "bundle").exists():
            break
    if not (tmp_path / "killed" / "bundle").exists():
        subprocess.run(command(data, tmp_path / "killed"), check=True, capture_output=True)
    calm, killed = (load_file(tmp_path / name / "bundle" / "weights.safetensors") for name in ("calm", "killed"))
    assert all(torch.equal(value, killed[key]) for key, value in calm.items())
