"""Samples of segmenters and detectors: the C++ ends compiled and run, those of other languages by their text."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.answers import ALIGNED, HALF, enlarge
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.manifest import FileRecord
from edgesmith.deploy.predict_masks import best_classes
from edgesmith.deploy.sample import SUPPRESSED, TEMPLATES, end_of, render_sample, sample_names
from edgesmith.deploy.sample_language import LANGUAGES, set_constants
from edgesmith.runtimes.base import TensorInfo
from edgesmith.tasks.boxes import BoxRule, find_boxes
from tests.deploy.models import noise_pictures
from tests.deploy.test_sample_native import STRICT, Shot, compile_program, compiler, take

__all__ = ["compiler"]

RULE = Preprocessing.for_resolution(48, 64).for_whole()
CLASSES = ("sky", "road", "red car")
# In place of a runtime: answers from a file beside the picture; it keeps what it was given.
PROGRAM = """
#include "picture.hpp"
class Model {
public:
    explicit Model(const std::filesystem::path& bundle) : bundle_(bundle) {}
    std::vector<float> run(const std::vector<uint8_t>& crop) {
        std::ofstream kept(bundle_ / "crop", std::ios::binary);
        kept.write(reinterpret_cast<const char*>(crop.data()), crop.size());
        std::ifstream stream(bundle_ / "answers", std::ios::binary);
        std::vector<float> answers(std::filesystem::file_size(bundle_ / "answers") / sizeof(float));
        stream.read(reinterpret_cast<char*>(answers.data()), answers.size() * sizeof(float));
        return answers;
    }
private:
    std::filesystem::path bundle_;
};
#include "END"
"""


def compile_end(compiler: str, folder: Path, end: str, constants: dict[str, object]) -> Path:
    folder.mkdir()
    size: dict[str, object] = {"HEIGHT": RULE.height, "WIDTH": RULE.width, "RESIZE_SHORT": RULE.resize_short}
    for part in ("picture.hpp", end, "main.hpp"):
        text = (resources.files("edgesmith.deploy") / "samples" / part).read_text()
        (folder / part).write_text(set_constants(text, size | constants, LANGUAGES[".cpp"]))
    (folder / "program.cpp").write_text(PROGRAM.replace("END", end))
    return compile_program(compiler, folder / "program.cpp", *STRICT)


def run(program: Path, answers: NDArray[np.float32], shot: Shot) -> list[str]:
    """What it prints; its crop is checked on the way."""
    bundle = program.parent
    (bundle / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    (bundle / "answers").write_bytes(answers.astype("<f4").tobytes())
    lines = shot.run([str(program), str(bundle), str(shot.path)]).splitlines()
    with Image.open(shot.path) as image:
        wanted = RULE.crop(image.convert("RGB"))
    np.testing.assert_array_equal(np.fromfile(bundle / "crop", np.uint8).reshape(wanted.shape), wanted)
    assert lines[0] == str(shot.path)
    return lines[1:]


def smooth_logits(height: int, width: int) -> NDArray[np.float32]:
    coarse = np.random.default_rng(0).normal(size=(3, 6, 8)).astype(np.float32)
    return np.asarray(enlarge(coarse[None], (height, width), align_corners=False)[0])


@pytest.mark.parametrize(("left", "size"), [("", (48, 64)), (ALIGNED, (6, 8)), (HALF, (6, 8))])
def test_masks_in_cpp_are_those_of_predict(compiler: str, tmp_path: Path, left: str, size: tuple[int, int]) -> None:
    constants = {"RESIZE_LEFT": left, "ANSWER_HEIGHT": size[0], "ANSWER_WIDTH": size[1]}
    program = compile_end(compiler, tmp_path / "program", "main_masks.hpp", constants)
    shot = take(tmp_path / "shot", noise_pictures(1, 75, 111)[0], suffix=".png")
    logits = smooth_logits(*size)
    lines = run(program, logits, shot)
    whole = enlarge(logits[None], (48, 64), align_corners=left == ALIGNED)[0]
    wanted = best_classes(whole, 75, 111)
    with Image.open(shot.path.with_name("picture_mask.pgm")) as mask:
        ours = np.asarray(mask)
    assert len(np.unique(wanted)) == 3
    assert (ours == wanted).mean() > 0.9995  # ties of rounding
    assert [line.split(maxsplit=1)[1] for line in lines] == list(CLASSES)
    shares = [float(line.split()[0]) for line in lines]
    np.testing.assert_allclose(shares, [(ours == index).mean() for index in range(3)], atol=1e-6)


def random_answers(*, sure: float) -> NDArray[np.float32]:
    random = np.random.default_rng(1)
    centres, sides = random.uniform(0.2, 0.8, (60, 2)), random.uniform(0.1, 0.4, (60, 2))
    corners = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1).clip(0, 1)
    return np.concatenate([corners, random.uniform(0, sure, (60, 4))], axis=1).astype(np.float32)


@pytest.mark.parametrize("sure", [1.0, 0.2], ids=["some", "none"])
def test_boxes_in_cpp_are_those_of_predict(compiler: str, tmp_path: Path, sure: float) -> None:
    program = compile_end(compiler, tmp_path / "program", "main_boxes.hpp", {})
    shot = take(tmp_path / "shot", noise_pictures(1, 75, 111)[0], suffix=".png")
    answers = random_answers(sure=sure)
    lines = run(program, answers, shot)
    found = find_boxes(answers, BoxRule(least_score=0.5))
    assert (len(found) > 10) == (sure == 1.0)
    scale = np.array([111, 75, 111, 75])
    wanted = [
        f"  {score:.4f}  {CLASSES[index]}  {' '.join(f'{v:.1f}' for v in box * scale)}"
        for box, index, score in zip(found.boxes, found.classes, found.scores, strict=True)
    ]
    assert sorted(lines) == sorted(wanted)


def record(format_name: str, path: str, **values: object) -> FileRecord:
    info = TensorInfo(name="logits", shape=(1, 3, 12, 16), dtype="float32", layout="other")
    plain = FileRecord(
        format=format_name,
        path=path,
        bytes=1,
        sha256="",
        precision="float32",
        batch=1,
        opset=None,
        preprocessing_inside=False,
        operators={},
        output=info,
    )
    return replace(plain, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("template", [name for templates in TEMPLATES.values() for name in templates])
@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("segmentation", ("egment", "mask", "Segmenter(context).segment")),
        ("detection", ("ind", "boxes", "Detector(context).detect")),
    ],
)
def test_every_language_ends_in_the_tasks_own_way(template: str, task: str, words: tuple[str, str, str]) -> None:
    (format_name,) = (each for each, templates in TEMPLATES.items() if template in templates)
    text = render_sample(f"sample_{template}", record(format_name, "model", resize_left=ALIGNED), RULE, task)
    head = text[: text.index("\n\n")]
    assert words[0] in head
    assert words[1] in text
    assert "Classif" not in text
    assert "edgesmith.deploy" not in text
    assert '#include "main' not in text
    assert (words[2] in head) == template.endswith(".kt")
    if task == "segmentation":
        for line in (
            'RESIZE_LEFT = "aligned"',
            *(() if template.endswith((".py", ".swift")) else ("ANSWER_WIDTH = 16",)),
        ):
            assert text.count(line) == 1
    else:
        assert "0.55" in text
    for opening, closing in ("()", "[]", "{}"):
        assert text.count(opening) == text.count(closing)


def test_names_by_task(tmp_path: Path) -> None:
    assert sample_names("onnx", "model.onnx", "segmentation") == ("sample_onnxruntime.py", "sample_onnxruntime.kt")
    assert sample_names("openvino", "model.xml", "detection") == ("sample_openvino.py", "sample_openvino.cpp")
    assert sample_names("coreml", "model.mlpackage", "detection") == ("sample_coreml.swift",)
    file = ExportedFile(
        format="onnx",
        path=tmp_path / "model-nms.onnx",
        bytes=1,
        sha256="",
        precision="float32",
        batch=1,
        layout="NCHW",
        operators={},
        preprocessing_inside=False,
        suppressed=True,
    )
    assert end_of("detection", file) == SUPPRESSED
    assert sample_names("onnx", "model-nms.onnx", SUPPRESSED) == ("sample_model-nms_onnxruntime.py",)


def test_python_ends_are_in_the_form_that_ruff_asks_for(tmp_path: Path) -> None:
    texts = {
        "masks.py": render_sample("sample_onnxruntime.py", record("onnx", "model.onnx"), RULE, "segmentation"),
        "boxes.py": render_sample("sample_onnxruntime.py", record("onnx", "model.onnx"), RULE, "detection"),
        "nms.py": render_sample("sample_onnxruntime.py", record("onnx", "m.onnx", suppressed=True), RULE, "detection"),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    for command in (["check", "--select=E,F,W,I"], ["format", "--check"]):
        line = ["ruff", *command, "--isolated", "--no-cache", "--line-length=120", str(tmp_path)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
