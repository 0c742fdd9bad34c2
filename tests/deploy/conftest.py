"""One net of a few blocks and one whole V3-Small, exported once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.deploy.base import ExportedFile, ExportOptions
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.onnx import OnnxExporter
from edgesmith.deploy.parity import Parity, check_parity
from tests.deploy.models import Model, make_model, noise_pictures, tiny_spec, write_tiny_bundle


@pytest.fixture(scope="session")
def tiny() -> Model:
    return make_model(tiny_spec())


@pytest.fixture(scope="session")
def small() -> Model:
    return make_model(find("mobilenet_v3_small@resolution=64").with_num_classes(10))


@pytest.fixture(scope="session")
def tiny_file(tiny: Model, tmp_path_factory: pytest.TempPathFactory) -> ExportedFile:
    return OnnxExporter().export(tiny.net, tiny.spec, tmp_path_factory.mktemp("tiny") / "model.onnx")


@pytest.fixture(scope="session")
def tiny_pixels_file(tiny: Model, tmp_path_factory: pytest.TempPathFactory) -> ExportedFile:
    path = tmp_path_factory.mktemp("pixels") / "pixels.onnx"
    return OnnxExporter().export(
        tiny.net, tiny.spec, path, options=ExportOptions(preprocessing=tiny.preprocessing, batch=2)
    )


@pytest.fixture(scope="session")
def small_file(small: Model, tmp_path_factory: pytest.TempPathFactory) -> ExportedFile:
    return OnnxExporter().export(small.net, small.spec, tmp_path_factory.mktemp("small") / "model.onnx")


@pytest.fixture(scope="session")
def tiny_parity(tiny: Model, tiny_file: ExportedFile) -> Parity:
    pictures = noise_pictures(6, 48, 40)
    return check_parity(tiny.net, tiny_file.path, [pictures], preprocessing=tiny.preprocessing)


@pytest.fixture
def bundle(tiny: Model, tiny_file: ExportedFile, tiny_parity: Parity, tmp_path: Path) -> Bundle:
    return write_tiny_bundle(tmp_path / "bundle", tiny, tiny_file, tiny_parity)
