"""The C++ samples: their preprocessing compiled by itself, and the whole program where a runtime's headers are here."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import subprocess
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image

from edgesmith.data.pictures import decode
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import ExportOptions
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.predict import Predictor, predict_files
from edgesmith.deploy.sample_language import LANGUAGES, set_constants
from edgesmith.runtimes.table import runtime_for
from tests.deploy.models import Model, write_plain_bundle

pytestmark = pytest.mark.slow

# In place of stb_image.h: the pixels that Pillow decoded, from a file beside the picture's, as RGBA after two sizes.
DECODER = """
#include <cstdio>
#include <cstdlib>
inline unsigned char* stbi_load_from_memory(const unsigned char*, int, int* width, int* height, int*, int) {
    std::FILE* file = std::fopen(std::getenv("DECODED"), "rb");
    int sizes[2];
    if (file == nullptr || std::fread(sizes, sizeof(int), 2, file) != 2) return nullptr;
    *width = sizes[0];
    *height = sizes[1];
    auto* pixels = static_cast<unsigned char*>(std::malloc(4 * size_t(sizes[0]) * sizes[1]));
    if (std::fread(pixels, 4, size_t(sizes[0]) * sizes[1], file) != size_t(sizes[0]) * sizes[1]) return nullptr;
    std::fclose(file);
    return pixels;
}
inline void stbi_image_free(void* pixels) { std::free(pixels); }
"""
CROPPER = """
#include "picture.hpp"
int main(int, char** arguments) {
    const std::vector<uint8_t> crop = crop_picture(load_picture(arguments[1]));
    std::ofstream(arguments[2], std::ios::binary).write(reinterpret_cast<const char*>(crop.data()), crop.size());
}
"""
STRICT = ["-std=c++17", "-Wall", "-Wextra", "-Werror"]


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which("g++") or shutil.which("clang++")
    if found is None:
        pytest.skip("neither g++ nor clang++ is installed")
    return found


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A picture file, and its pixels as Pillow decodes them, neither turned nor laid on white."""

    path: Path
    decoded: Path

    def run(self, command: list[str]) -> str:
        environment = {"DECODED": str(self.decoded)}
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout


def take(
    folder: Path, pixels: NDArray[np.uint8], *, orientation: int = 1, order: str = "<", suffix: str = ".jpg"
) -> Shot:
    folder.mkdir()
    path, decoded = folder / f"picture{suffix}", folder / "decoded"
    exif = Image.Exif()
    exif.endian = order
    exif[0x010E] = "what the picture shows, longer than four letters"
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    with Image.open(path) as stored:
        rgba = np.array(stored.convert("RGBA"))
    decoded.write_bytes(np.array([rgba.shape[1], rgba.shape[0]], np.int32).tobytes() + rgba.tobytes())
    return Shot(path=path, decoded=decoded)


def photograph() -> NDArray[np.uint8]:
    return np.asarray(load_sample_image("china.jpg"))


def compile_program(compiler: str, source: Path, *options: str) -> Path:
    source.with_name("stb_image.h").write_text(DECODER)
    program = source.with_suffix("")
    result = subprocess.run(
        [compiler, "-O1", str(source), "-o", str(program), *options], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return program


def compile_cropper(compiler: str, folder: Path, rule: Preprocessing) -> Path:
    template = (resources.files("edgesmith.deploy") / "samples" / "picture.hpp").read_text()
    constants = {
        "HEIGHT": rule.height,
        "WIDTH": rule.width,
        "RESIZE_SHORT": rule.resize_short,
        "INTERPOLATION": rule.interpolation.upper(),
        "APPLY_ORIENTATION": rule.apply_orientation,
    }
    (folder / "picture.hpp").write_text(set_constants(template, constants, LANGUAGES[".cpp"]))
    (folder / "crop.cpp").write_text(CROPPER)
    return compile_program(compiler, folder / "crop.cpp", *STRICT)


def crop_both(program: Path, shot: Shot, rule: Preprocessing) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    shot.run([str(program), str(shot.path), str(shot.path.with_name("crop"))])
    crop = np.fromfile(shot.path.with_name("crop"), np.uint8).reshape(rule.height, rule.width, 3)
    picture = decode(shot.path.read_bytes(), name="picture", apply_orientation=rule.apply_orientation)
    return crop, rule.crop(picture)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resize_and_crop_in_cpp_are_pillows_to_the_bit(compiler: str, tmp_path: Path, interpolation: str) -> None:
    rule = Preprocessing(height=96, width=79, resize_short=110, interpolation=interpolation)
    program = compile_cropper(compiler, tmp_path, rule)
    whole = photograph()
    views = [whole, whole[:, :301], whole[100:211, 200:311], whole[:90, :77], whole[:37, :400], whole[:110, :300]]
    for index, view in enumerate(views):
        ours, pillows = crop_both(program, take(tmp_path / str(index), view), rule)
        np.testing.assert_array_equal(ours, pillows)


def test_cpp_turns_pictures_as_their_exif_tag_asks(compiler: str, tmp_path: Path) -> None:
    rule = Preprocessing(height=60, width=50, resize_short=64)
    program = compile_cropper(compiler, tmp_path, rule)
    for orientation, order in itertools.product(range(1, 9), "<>"):
        folder = tmp_path / f"{orientation}{order}"
        shot = take(folder, photograph()[:200, :340], orientation=orientation, order=order)
        assert (b"II*" if order == "<" else b"MM\0*") in shot.path.read_bytes()[:100]
        ours, pillows = crop_both(program, shot, rule)
        np.testing.assert_array_equal(ours, pillows)


def test_cpp_leaves_pictures_as_they_lie_where_the_bundle_says_so(compiler: str, tmp_path: Path) -> None:
    rule = Preprocessing(height=60, width=50, resize_short=64, apply_orientation=False)
    program = compile_cropper(compiler, tmp_path, rule)
    ours, pillows = crop_both(program, take(tmp_path / "shot", photograph(), orientation=6), rule)
    np.testing.assert_array_equal(ours, pillows)


def test_cpp_lays_transparency_on_white(compiler: str, tmp_path: Path) -> None:
    rule = Preprocessing(height=60, width=50, resize_short=64)
    program = compile_cropper(compiler, tmp_path, rule)
    alpha = np.linspace(0, 255, 427 * 640).reshape(427, 640, 1).astype(np.uint8)
    shot = take(tmp_path / "shot", np.concatenate([photograph(), alpha], axis=2), suffix=".png")
    ours, pillows = crop_both(program, shot, rule)
    assert np.abs(ours.astype(int) - pillows).max() <= 1


def assert_program_agrees(bundle: Bundle, program: Path, file_name: str, shot: Shot) -> None:
    loaded = runtime_for(Path(file_name).suffix).load(bundle.folder / file_name)
    predictor = Predictor(loaded, preprocessing=bundle.manifest.preprocessing, classes=bundle.manifest.classes)
    ours = predict_files(predictor, [shot.path]).pictures[0].classes
    lines = shot.run([str(program), str(bundle.folder), str(shot.path)]).splitlines()
    assert lines[0] == str(shot.path)
    assert [line.split(maxsplit=1)[1] for line in lines[1:]] == [best.name for best in ours]
    scores = [float(line.split()[0]) for line in lines[1:]]
    np.testing.assert_allclose(scores, [best.score for best in ours], rtol=0, atol=1e-5)


@pytest.mark.parametrize("pixels", [False, True], ids=["floats", "pixels"])
def test_openvino_program_gives_the_scores_of_predict(compiler: str, tiny: Model, tmp_path: Path, pixels: bool) -> None:
    found = importlib.util.find_spec("openvino")
    package = Path(found.origin or "").parent if found else tmp_path
    libraries = sorted((package / "libs").glob("libopenvino.so*"))
    if not (package / "include" / "openvino" / "openvino.hpp").is_file() or not libraries:
        pytest.skip("openvino's headers and libraries are not in its package here")
    options = ExportOptions(batch=2, preprocessing=tiny.preprocessing) if pixels else ExportOptions()
    exported = FORMATS["openvino"].export(tiny.net, tiny.spec, tmp_path / "model.xml", options=options)
    bundle = write_plain_bundle(tmp_path / "bundle", tiny, [exported])
    source = tmp_path / "sample_openvino.cpp"
    shutil.copy(bundle.folder / source.name, source)
    program = compile_program(
        compiler,
        source,
        "-std=c++17",
        f"-I{package / 'include'}",
        str(libraries[0]),
        f"-Wl,-rpath,{package / 'libs'},-rpath-link,{package / 'libs'}",
    )
    shot = take(tmp_path / "shot", photograph()[:400], orientation=6)
    assert_program_agrees(bundle, program, "model.xml", shot)


def test_ncnn_program_gives_the_scores_of_predict(compiler: str, tiny: Model, tmp_path: Path) -> None:
    roots = [Path("/usr"), Path("/usr/local")]
    root = next((each for each in roots if (each / "include" / "ncnn" / "net.h").is_file()), None)
    if root is None:
        pytest.skip("ncnn's headers are not installed; its Python package has none")
    exported = FORMATS["ncnn"].export(tiny.net, tiny.spec, tmp_path / "model.ncnn.param")
    bundle = write_plain_bundle(tmp_path / "bundle", tiny, [exported])
    source = tmp_path / "sample_ncnn.cpp"
    shutil.copy(bundle.folder / source.name, source)
    program = compile_program(compiler, source, "-std=c++17", f"-I{root / 'include'}", "-lncnn", "-fopenmp")
    shot = take(tmp_path / "shot", photograph()[:400], orientation=6)
    assert_program_agrees(bundle, program, "model.ncnn.param", shot)
