from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from edgesmith.core.files import sha256_path
from edgesmith.core.quiet import hushed
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import ExportedFile, ExportOptions
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.manifest import FileRecord
from edgesmith.deploy.predict import Predictor, predict_files
from edgesmith.deploy.sample import TEMPLATES, render_sample, sample_names
from edgesmith.runtimes.table import runtime_for
from tests.deploy.models import Model, noise_pictures, write_plain_bundle

pytestmark = pytest.mark.slow

PYTHON_FORMATS = [name for name, templates in TEMPLATES.items() if templates[0].endswith(".py")]
PACKAGES = {
    "onnx": {"onnxruntime"},
    "litert": {"ai_edge_litert"},
    "executorch": {"executorch", "torch"},
    "openvino": {"openvino"},
    "ncnn": {"ncnn"},
}
ODD_RULE = Preprocessing(
    height=37,
    width=41,
    resize_short=43,
    mean=(0.11, 0.22, 0.33),
    std=(0.61, 0.62, 0.63),
    interpolation="bicubic",
    scale=0.0078125,
    apply_orientation=False,
)


@pytest.fixture(scope="module")
def full(tiny: Model, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A file of every format, and one that takes pixels, two at a time, of every format that can."""
    folder = tmp_path_factory.mktemp("full")
    files = []
    for exporter in FORMATS.values():
        path = folder / f"model{exporter.suffix}"
        files.append(exporter.export(tiny.net, tiny.spec, path))
        if exporter.takes_pixels:
            options = ExportOptions(preprocessing=tiny.preprocessing, batch=2)
            path = folder / f"pixels{exporter.suffix}"
            files.append(exporter.export(tiny.net, tiny.spec, path, options=options))
    return write_plain_bundle(folder / "bundle", tiny, files)


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photograph that lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path_factory.mktemp("photograph") / "china.jpg"
    Image.fromarray(load_sample_image("china.jpg")).crop((0, 0, 640, 400)).save(path, quality=95, exif=exif)
    return path


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


def predicted(bundle: Bundle, record: FileRecord, picture: Path) -> dict[str, float]:
    manifest = bundle.manifest
    path = bundle.path(record)
    predictor = Predictor(
        runtime_for(path.suffix).load(path), preprocessing=manifest.preprocessing, classes=manifest.classes
    )
    return {best.name: best.score for best in predict_files(predictor, [picture]).pictures[0].classes}


def assert_same_scores(bundle: Bundle, record: FileRecord, picture: Path) -> None:
    ours, theirs = predicted(bundle, record, picture), run_sample(bundle, record.samples[0], picture)
    assert list(theirs) == list(ours)
    np.testing.assert_allclose(list(theirs.values()), list(ours.values()), rtol=0, atol=1e-5)


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
    ours = predict_files(Predictor.load(bundle), [picture]).pictures[0].classes
    theirs = run_sample(bundle, "sample_onnxruntime.py", picture)
    assert list(theirs) == [best.name for best in ours]
    np.testing.assert_allclose(list(theirs.values()), [best.score for best in ours], rtol=0, atol=1e-6)


@pytest.mark.parametrize("format_name", PYTHON_FORMATS)
def test_python_sample_of_every_format_gives_the_scores_of_predict(
    full: Bundle, photograph: Path, format_name: str
) -> None:
    assert_same_scores(full, full.manifest.file(format_name, preprocessing_inside=False), photograph)


@pytest.mark.parametrize("format_name", [name for name in PYTHON_FORMATS if FORMATS[name].takes_pixels])
def test_case_m3_python_sample_of_a_file_that_scales_itself_does_not_scale(
    full: Bundle, photograph: Path, format_name: str
) -> None:
    record = full.manifest.file(format_name, preprocessing_inside=True)
    assert record.batch == 2
    assert_same_scores(full, record, photograph)


def test_python_sample_reads_scale_and_zero_point_of_integer_tensors(
    full: Bundle, tiny: Model, photograph: Path, tmp_path: Path
) -> None:
    quantizer = pytest.importorskip("ai_edge_quantizer.quantizer")
    recipe = pytest.importorskip("ai_edge_quantizer.recipe")
    record = full.manifest.file("litert")
    images = np.ascontiguousarray(tiny.preprocessing.normalize(noise_pictures(4, 48, 40)).transpose(0, 2, 3, 1))
    made = quantizer.Quantizer(str(full.path(record)))
    made.load_quantization_recipe(recipe.static_wi8_ai8())
    path = tmp_path / "integers.tflite"
    with hushed():
        statistics = made.calibrate({"serving_default": [{"images": each[None]} for each in images]})
        made.quantize(statistics, enable_progress_report=False).export_model(str(path))
    integers = ExportedFile(
        format="litert",
        path=path,
        bytes=path.stat().st_size,
        sha256=sha256_path(path),
        precision="int8",
        batch=1,
        layout="NHWC",
        operators={},
        preprocessing_inside=False,
    )
    bundle = write_plain_bundle(tmp_path / "bundle", tiny, [integers])
    loaded = runtime_for(".tflite").load(path)
    assert (loaded.inputs[0].dtype, loaded.outputs[0].dtype) == ("int8", "int8")
    assert_same_scores(bundle, bundle.manifest.files[0], photograph)


@pytest.mark.parametrize("format_name", PYTHON_FORMATS)
def test_python_sample_imports_what_it_says(full: Bundle, format_name: str) -> None:
    tree = ast.parse((full.folder / full.manifest.file(format_name).samples[0]).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    packages = {name.split(".")[0] for name in imported}
    assert packages == {"sys", "pathlib", "numpy", "PIL"} | PACKAGES[format_name]
    said = (ast.get_docstring(tree) or "").split("needs ")[1].split(", nothing else")[0].replace(" and ", ", ")
    distributions = {"PIL": "pillow", "ai_edge_litert": "ai-edge-litert"}
    assert set(said.split(", ")) == {distributions.get(name, name) for name in packages - {"sys", "pathlib"}}


def test_python_samples_are_in_the_form_that_ruff_asks_for(full: Bundle) -> None:
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed")
    samples = sorted(str(path) for path in full.folder.glob("sample_*.py"))
    common = ["--isolated", "--no-cache", "--line-length=120", *samples]
    for command in (["check", "--select=E,F,W,I"], ["format", "--check"]):
        result = subprocess.run([ruff, *command, *common], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_sample_holds_the_numbers_of_its_bundle(bundle: Bundle) -> None:
    text = (bundle.folder / "sample_onnxruntime.py").read_text()
    for line in ("HEIGHT = 48", "WIDTH = 40", "RESIZE_SHORT = 55", "PREPROCESSING_INSIDE = False", "BATCH = 1"):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("name", [name for templates in TEMPLATES.values() for name in templates])
def test_every_number_of_a_bundle_reaches_every_sample(name: str) -> None:
    (format_name,) = (each for each, templates in TEMPLATES.items() if name in templates)
    pixels = FORMATS[format_name].takes_pixels
    record = FileRecord(
        format=format_name,
        path=f"odd $name{FORMATS[format_name].suffix}",
        bytes=1,
        sha256="",
        precision="float32",
        batch=7,
        opset=None,
        preprocessing_inside=pixels,
        operators={},
        layout="NHWC" if pixels else "NCHW",
    )
    text = render_sample(f"sample_odd_{name}", record, ODD_RULE)
    yes, no = ("True", "False") if name.endswith(".py") else ("true", "false")
    swift = name.endswith(".swift")
    path = record.path.replace("$", "\\$") if name.endswith(".kt") else record.path
    written = {
        "MODEL": f'"{path}"',
        "HEIGHT": "37",
        "WIDTH": "41",
        "RESIZE_SHORT": "43",
        "INTERPOLATION": '"BICUBIC"',
        "APPLY_ORIENTATION": no,
        "SCALE": "0.0078125",
        "MEAN": "0.11, 0.22, 0.33",
        "STD": "0.61, 0.62, 0.63",
        "BATCH": "7",
    } | ({} if swift else {"PREPROCESSING_INSIDE": yes if pixels else no, "LAYOUT": '"NHWC"' if pixels else '"NCHW"'})
    for constant, value in written.items():
        lines = [line for line in text.splitlines() if f" {constant} = " in f" {line}" or f" {constant}[] = " in line]
        assert len(lines) == 1, constant
        assert lines[0].split(" = ")[1].rstrip(";").strip("[](){}").removeprefix("doubleArrayOf(") == value
    assert "edgesmith.deploy" not in text
    assert f"sample_{name}" not in text, "it calls itself by its own name"
    assert "classes.txt" in text


@pytest.mark.parametrize("name", ["onnxruntime.kt", "litert.kt", "executorch.kt", "coreml.swift"])
def test_samples_that_are_not_compiled_say_so_in_their_first_comment(full: Bundle, name: str) -> None:
    text = (full.folder / f"sample_{name}").read_text()
    comment = text[: text.index("\n\n")]
    assert comment.startswith("// Classifies pictures with ")
    assert "edgesmith's tests did not compile this file" in " ".join(comment.replace("//", " ").split())


def test_names_of_samples() -> None:
    assert sample_names("onnx", "model.onnx") == ("sample_onnxruntime.py", "sample_onnxruntime.kt")
    assert sample_names("onnx", "model_int8.onnx")[0] == "sample_model_int8_onnxruntime.py"
    assert sample_names("ncnn", "model.ncnn.param") == ("sample_ncnn.py", "sample_ncnn.cpp")
    assert sample_names("coreml", "model.mlpackage") == ("sample_coreml.swift",)
    assert sample_names("unheard of", "model.x") == ()


def test_every_format_has_samples() -> None:
    assert set(TEMPLATES) == set(FORMATS)
