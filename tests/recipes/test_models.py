"""What MODEL may be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import RunError, UsageError
from edgesmith.recipes.models import resolve


def test_a_zoo_name_with_options() -> None:
    model = resolve("mobilenet_v3_small@width=0.75", resolution="128x192")
    assert model.require_spec() == find("mobilenet_v3_small@width=0.75").with_resolution(128, 192)


def test_a_spec_as_json(tmp_path: Path) -> None:
    spec = find("mobilenet_v3_large")
    (tmp_path / "net.json").write_text(json.dumps(spec.to_json()))
    assert resolve(str(tmp_path / "net.json")).spec == spec


def test_a_model_file_has_no_spec(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"")
    model = resolve(str(tmp_path / "net.onnx"))
    assert model.file == tmp_path / "net.onnx"
    with pytest.raises(UsageError, match="is a model file"):
        model.require_spec()


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="bundle"):
        resolve(str(tmp_path))


def test_a_missing_path_is_not_taken_for_a_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        resolve(str(tmp_path / "gone"))


def test_neither_a_name_nor_a_path_is_told_as_both() -> None:
    with pytest.raises(
        UsageError, match=r"^unknown model 'nowhere'; .*; nor is there a file or folder of this name here$"
    ):
        resolve("nowhere")


@pytest.mark.parametrize("text", ["big", "0", "128x", "-3"])
def test_a_resolution_is_pixels(text: str) -> None:
    with pytest.raises(UsageError, match="resolution is pixels"):
        resolve("mobilenet_v3_small", resolution=text)
