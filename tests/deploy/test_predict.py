from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from edgesmith.core.errors import DataError, DeviceError, UsageError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.parity import eager_function
from edgesmith.deploy.predict import Predictor, predict_files
from edgesmith.runtimes.onnxruntime import OnnxRuntime
from tests.deploy.models import Model, noise_pictures


@pytest.fixture
def predictor(bundle: Bundle) -> Predictor:
    return Predictor.load(bundle)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures, one of them cut short, and a text."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for index, pixels in enumerate(noise_pictures(9, 90, 70)):
        Image.fromarray(pixels).save(folder / "sub" / f"{index}.jpg", quality=95)
    (folder / "a.jpg").write_bytes((folder / "sub" / "0.jpg").read_bytes()[:700])
    (folder / "notes.txt").write_text("not a picture")
    return folder


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits.astype(np.float64))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def test_scores_are_the_softmax_of_eager(predictor: Predictor, tiny: Model) -> None:
    images = [Image.fromarray(pixels) for pixels in noise_pictures(3, 80, 64)]
    expected = softmax(eager_function(tiny.net)(np.stack([tiny.preprocessing.apply(image) for image in images])))
    scores = predictor.scores(images)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=0, atol=1e-6)


def test_folder_gives_one_answer_a_picture_and_names_the_bad_one(predictor: Predictor, folder: Path) -> None:
    result = predict_files(predictor, [folder], top=2, bad_pictures="skip")
    assert [Path(p.image).name for p in result.pictures] == [f"{index}.jpg" for index in range(9)]
    assert [(problem.kind, Path(problem.file).name) for problem in result.problems] == [("truncated", "a.jpg")]
    for prediction in result.pictures:
        assert len(prediction.classes) == 2
        assert prediction.classes[0].score >= prediction.classes[1].score
        assert prediction.classes[0].name == f"class {prediction.classes[0].index}"


def test_picture_named_twice_is_answered_twice(predictor: Predictor, folder: Path) -> None:
    picture = folder / "sub" / "3.jpg"
    result = predict_files(predictor, [picture, picture])
    assert [prediction.image for prediction in result.pictures] == [str(picture)] * 2


def test_truncated_picture_is_one_clear_error(predictor: Predictor, folder: Path) -> None:
    with pytest.raises(DataError, match=r"a\.jpg: cut short or damaged") as error:
        predict_files(predictor, [folder / "a.jpg"])
    assert "\n" not in str(error.value)


def test_archive_is_read_in_place(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(folder / "sub" / "3.jpg", "x/3.jpg")
    inside = predict_files(predictor, [tmp_path / "set.zip"])
    alone = predict_files(predictor, [folder / "sub" / "3.jpg"])
    assert inside.pictures[0].classes == alone.pictures[0].classes


def test_nothing_there_and_no_pictures_are_one_line(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures in"):
        predict_files(predictor, [tmp_path / "empty"])
    with pytest.raises(DataError, match="no such folder or archive"):
        predict_files(predictor, [tmp_path / "nowhere"])


def test_case_d1_orientation_of_the_exif_tag_is_applied(predictor: Predictor, tmp_path: Path) -> None:
    upright = Image.fromarray(noise_pictures(1, 90, 70)[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.save(tmp_path / "upright.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    result = predict_files(predictor, [tmp_path / "upright.png", tmp_path / "turned.png"])
    assert result.pictures[0].classes == result.pictures[1].classes


def test_case_m3_scaling_is_applied_once_whether_inside_or_outside(
    predictor: Predictor, tiny: Model, tiny_pixels_file: ExportedFile
) -> None:
    inside = Predictor(
        OnnxRuntime().load(tiny_pixels_file.path), preprocessing=tiny.preprocessing, classes=tiny.classes
    )
    pictures = noise_pictures(5, 48, 40)
    expected = softmax(eager_function(tiny.net)(tiny.preprocessing.normalize(pictures)))
    np.testing.assert_allclose(predictor.scores_of_crops(pictures), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(inside.scores_of_crops(pictures), expected, rtol=0, atol=1e-5)
    scaled_before = (pictures / 255).astype(np.float32)
    for either in (predictor, inside):
        with pytest.raises(DataError, match=r"pictures must be uint8 values 0\.\.255, got float32"):
            either.scores_of_crops(scaled_before)  # type: ignore[arg-type]


def test_case_d9_another_resize_gives_other_scores(predictor: Predictor) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (440, 440, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    aliased = Image.fromarray(pixels[::8, ::8])
    assert np.abs(predictor.scores([picture]) - predictor.scores([aliased])).max() > 1e-3


def test_preprocessing_of_another_size_is_refused(tiny: Model, tiny_file: ExportedFile) -> None:
    rule = Preprocessing.for_resolution(64, 64)
    with pytest.raises(DeviceError, match=r"gives pictures of \(64, 64\)"):
        Predictor(OnnxRuntime().load(tiny_file.path), preprocessing=rule, classes=tiny.classes)


def test_wrong_number_of_names_is_refused(tiny: Model, tiny_file: ExportedFile) -> None:
    loaded = OnnxRuntime().load(tiny_file.path)
    predictor = Predictor(loaded, preprocessing=tiny.preprocessing, classes=("a", "b"))
    with pytest.raises(DeviceError, match=r"answers with shape \(1, 5\) for 2 class names"):
        predictor.scores_of_crops(noise_pictures(1, 48, 40))


def test_a_file_that_no_runtime_reads_is_refused(bundle: Bundle) -> None:
    with pytest.raises(UsageError, match=r"unknown model file type '\.onxx'; did you mean '\.onnx'"):
        Predictor.load(bundle, file=bundle.folder / "model.onxx")


def test_greyscale_and_transparent_pictures_are_read(predictor: Predictor, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("LA", (60, 60), (200, 0)).save(buffer, format="PNG")
    (tmp_path / "clear.png").write_bytes(buffer.getvalue())
    Image.new("L", (60, 60), 255).save(tmp_path / "white.png")
    result = predict_files(predictor, [tmp_path / "clear.png", tmp_path / "white.png"])
    assert result.pictures[0].classes == result.pictures[1].classes
