from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.predict import load_predictor, predict_files
from edgesmith.deploy.sample import sample_name
from tests.deploy.models import noise_pictures


def run_sample(bundle: Bundle, name: str, picture: Path) -> dict[str, float]:
    """The sample's five scores by class, from a process that cannot see edgesmith's sources."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-I", str(bundle.folder / name), str(picture)]
    result = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, cwd=bundle.folder.parent
    )
    lines = result.stdout.splitlines()
    assert lines[0] == str(picture)
    return {line.split(maxsplit=1)[1]: float(line.split(maxsplit=1)[0]) for line in lines[1:]}


def save_turned_picture(path: Path, *, height: int, width: int) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise_pictures(1, height, width)[0]).save(path, quality=95, exif=exif)
    return path


@pytest.mark.parametrize(("height", "width"), [(123, 200), (201, 117), (31, 30)])
def test_case_d9_sample_code_gives_the_scores_of_predict(
    bundle: Bundle, tmp_path: Path, height: int, width: int
) -> None:
    picture = save_turned_picture(tmp_path / "picture.jpg", height=height, width=width)
    ours = predict_files(load_predictor(bundle), [picture]).pictures[0].classes
    theirs = run_sample(bundle, "sample_onnxruntime.py", picture)
    assert list(theirs) == [best.name for best in ours]
    np.testing.assert_allclose(list(theirs.values()), [best.score for best in ours], rtol=0, atol=1e-6)


def test_case_m3_sample_of_a_file_that_scales_itself_does_not_scale(
    bundle: Bundle, tiny_pixels_file: ExportedFile, tmp_path: Path
) -> None:
    picture = save_turned_picture(tmp_path / "picture.jpg", height=80, width=90)
    bundle.add_file(tiny_pixels_file, parity=None)
    outside = run_sample(bundle, "sample_onnxruntime.py", picture)
    inside = run_sample(bundle, "sample_pixels_onnxruntime.py", picture)
    assert list(inside) == list(outside)
    np.testing.assert_allclose(list(inside.values()), list(outside.values()), rtol=0, atol=1e-6)


def test_sample_needs_three_packages(bundle: Bundle) -> None:
    tree = ast.parse((bundle.folder / "sample_onnxruntime.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"sys", "pathlib", "numpy", "onnxruntime", "PIL"}


def test_sample_holds_the_numbers_of_its_bundle(bundle: Bundle) -> None:
    text = (bundle.folder / "sample_onnxruntime.py").read_text()
    for line in ("HEIGHT = 48", "WIDTH = 40", "RESIZE_SHORT = 55", "PREPROCESSING_INSIDE = False", "BATCH = 1"):
        assert f"\n{line}\n" in text


def test_names_of_samples() -> None:
    assert sample_name("onnx", "model") == "sample_onnxruntime.py"
    assert sample_name("onnx", "model_int8") == "sample_model_int8_onnxruntime.py"
    assert sample_name("litert", "model") is None
