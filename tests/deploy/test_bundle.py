from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from edgesmith.arch.spec import model_hash, spec_hash
from edgesmith.core.errors import RunError
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.bundle import Bundle, is_bundle, load_module, open_bundle
from edgesmith.deploy.parity import Parity
from tests.deploy.models import Model, write_tiny_bundle

LATENCY = {
    "name": "tiny flowers",
    "device": "onnxruntime",
    "ms": 0.41,
    "low_ms": 0.40,
    "high_ms": 0.43,
    "p90_ms": 0.5,
    "conditions": {"cpu": "Some CPU", "threads": 1},
}


def edit_manifest(bundle: Bundle, **changes: object) -> None:
    path = bundle.folder / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_bundle_holds_what_the_design_lists(bundle: Bundle, tiny: Model) -> None:
    assert sorted(entry.name for entry in bundle.folder.iterdir()) == [
        "bundle.json",
        "classes.txt",
        "model.onnx",
        "model_card.md",
        "sample_onnxruntime.kt",
        "sample_onnxruntime.py",
        "spec.json",
        "weights.safetensors",
    ]
    data = json.loads((bundle.folder / "bundle.json").read_text())
    assert (data["format_version"], data["task"], data["name"]) == (1, "classification", "tiny flowers")
    assert data["model_hash"] == model_hash(tiny.spec)
    assert data["spec_hash"] == spec_hash(tiny.spec)
    assert data["preprocessing"]["resize_short"] == 55
    assert (data["files"][0]["format"], data["files"][0]["path"]) == ("onnx", "model.onnx")
    assert data["files"][0]["parity"]["num_pictures"] == 6
    assert data["files"][0]["parity"]["relative"] < 1e-4
    assert data["files"][0]["operators"]["HardSwish"] == 5
    assert data["files"][0]["samples"] == ["sample_onnxruntime.py", "sample_onnxruntime.kt"]
    assert "onnxruntime" in data["provenance"]["versions"]
    assert (bundle.folder / "classes.txt").read_text().splitlines() == list(tiny.classes)


def test_opened_bundle_equals_the_written_one(bundle: Bundle) -> None:
    assert open_bundle(bundle.folder).manifest == bundle.manifest


def test_bundle_of_an_earlier_edgesmith_with_one_sample_a_file_is_read(bundle: Bundle) -> None:
    (record,) = json.loads((bundle.folder / "bundle.json").read_text())["files"]
    names = record.pop("samples")
    edit_manifest(bundle, files=[record | {"sample": names[0]}])
    assert open_bundle(bundle.folder).manifest.files[0].samples == ("sample_onnxruntime.py",)


def test_weights_come_back_to_the_bit(bundle: Bundle, tiny: Model) -> None:
    net = load_module(bundle)
    images = torch.randn(2, 3, 48, 40, generator=torch.Generator().manual_seed(1))
    assert not net.training
    with torch.no_grad():
        torch.testing.assert_close(net(images), tiny.net(images), rtol=0, atol=0)


def test_added_latency_stays_and_stands_on_the_card(bundle: Bundle) -> None:
    bundle.add_latency([LATENCY])
    again = open_bundle(bundle.folder)
    assert [dict(record) for record in again.manifest.latency] == [LATENCY]
    assert "| onnxruntime | 0.410 | 0.400 to 0.430 |" in (bundle.folder / "model_card.md").read_text()


def test_added_file_gets_record_and_sample(bundle: Bundle, tiny_pixels_file: ExportedFile) -> None:
    bundle.add_file(tiny_pixels_file, parity=None)
    manifest = open_bundle(bundle.folder).manifest
    assert [record.path for record in manifest.files] == ["model.onnx", "pixels.onnx"]
    assert manifest.file("onnx").path == "model.onnx"
    assert manifest.file("onnx", preprocessing_inside=True).path == "pixels.onnx"
    assert "PREPROCESSING_INSIDE = True" in (bundle.folder / "sample_pixels_onnxruntime.py").read_text()


def test_file_of_a_format_that_is_missing_names_what_is_there(bundle: Bundle) -> None:
    with pytest.raises(RunError, match="tiny flowers has no such litert file; it has: onnx"):
        bundle.manifest.file("litert")


@pytest.mark.parametrize("name", ["model.onnx", "weights.safetensors"])
def test_changed_file_is_noticed(bundle: Bundle, name: str) -> None:
    path = bundle.folder / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        RunError, match=rf"{name} is not the file that its bundle recorded \(SHA-256 differs\)"
    ) as error:
        open_bundle(bundle.folder)
    assert "\n" not in str(error.value)
    assert open_bundle(bundle.folder, verify=False).manifest == bundle.manifest


def test_missing_file_is_named(bundle: Bundle) -> None:
    (bundle.folder / "model.onnx").unlink()
    with pytest.raises(RunError, match=r"model\.onnx is missing from its bundle"):
        open_bundle(bundle.folder)


def test_file_outside_the_bundle_is_refused(bundle: Bundle) -> None:
    data = json.loads((bundle.folder / "bundle.json").read_text())
    shutil.copy(bundle.folder / "model.onnx", bundle.folder.parent / "model.onnx")
    data["files"][0]["path"] = "../model.onnx"
    edit_manifest(bundle, files=data["files"])
    with pytest.raises(RunError, match="is missing from its bundle"):
        open_bundle(bundle.folder)


def test_other_folders_are_no_bundles(tmp_path: Path) -> None:
    assert not is_bundle(tmp_path)
    with pytest.raises(RunError, match=r"is not a bundle: it has no bundle\.json"):
        open_bundle(tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        open_bundle(tmp_path / "nowhere")


def test_manifest_of_a_later_edgesmith_is_refused(bundle: Bundle) -> None:
    edit_manifest(bundle, format_version=2)
    with pytest.raises(RunError, match="has format 2, this edgesmith reads up to 1; upgrade it"):
        open_bundle(bundle.folder)


def test_unknown_keys_are_passed_over(bundle: Bundle) -> None:
    edit_manifest(bundle, later="addition")
    assert open_bundle(bundle.folder).manifest == bundle.manifest


@pytest.mark.parametrize("changes", [{"classes": ["a"]}, {"files": [{}]}, {"model_hash": "0" * 12}, {"spec": {}}])
def test_damaged_manifest_is_one_line(bundle: Bundle, changes: dict[str, object]) -> None:
    edit_manifest(bundle, **changes)
    with pytest.raises(RunError, match=r"bundle\.json") as error:
        open_bundle(bundle.folder)
    assert "\n" not in str(error.value)


def test_text_that_is_not_json_is_one_line(bundle: Bundle) -> None:
    (bundle.folder / "bundle.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read as JSON"):
        open_bundle(bundle.folder)


def test_a_folder_with_other_things_is_not_replaced(
    tiny: Model, tiny_file: ExportedFile, tiny_parity: Parity, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="holds something that is not a bundle"):
        write_tiny_bundle(tmp_path, tiny, tiny_file, tiny_parity)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("where", ["rename", "bytes", "text"])
def test_full_disk_keeps_the_earlier_bundle(
    bundle: Bundle,
    tiny: Model,
    tiny_file: ExportedFile,
    tiny_parity: Parity,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    owner, name = {"rename": (os, "replace"), "bytes": (Path, "write_bytes"), "text": (Path, "write_text")}[where]
    monkeypatch.setattr(owner, name, fail)
    for target in (bundle.folder, bundle.folder.parent / "new"):
        with pytest.raises(RunError, match="the disk is full"):
            write_tiny_bundle(target, tiny, tiny_file, tiny_parity)
    monkeypatch.undo()
    assert [entry.name for entry in bundle.folder.parent.iterdir()] == ["bundle"]
    assert open_bundle(bundle.folder).manifest == bundle.manifest


def test_bundle_is_read_and_used_without_torch(bundle: Bundle, tmp_path: Path) -> None:
    program = f"""
import sys
for name in ("torch", "torchvision", "onnx", "onnxscript"):
    sys.modules[name] = None
from pathlib import Path
from edgesmith.core.errors import MissingExtraError
from edgesmith.deploy.bundle import load_module, open_bundle
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.predict import Predictor
import numpy as np
bundle = open_bundle(Path({str(bundle.folder)!r}))
scores = Predictor.load(bundle).scores_of_crops(np.zeros((3, 48, 40, 3), np.uint8))
assert scores.shape == (3, 5), scores.shape
bundle.add_latency([])
try:
    load_module(bundle)
except MissingExtraError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "torch is not installed; pip install 'edgesmith[train]' brings it\n"


def test_full_disk_while_adding_a_file_leaves_the_bundle_as_it_was(
    bundle: Bundle, tiny_pixels_file: ExportedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(RunError, match="the disk is full"):
        bundle.add_file(tiny_pixels_file, parity=None)
    assert [entry.name for entry in bundle.folder.parent.iterdir()] == ["bundle"]
    assert not (bundle.folder / "pixels.onnx").exists()
    assert open_bundle(bundle.folder).manifest == bundle.manifest


def test_wrong_number_of_classes_is_refused(
    tiny: Model, tiny_file: ExportedFile, tiny_parity: Parity, tmp_path: Path
) -> None:
    short = Model(spec=tiny.spec, net=tiny.net, preprocessing=tiny.preprocessing, classes=("a", "b"))
    with pytest.raises(RunError, match="2 class names for 5 classes"):
        write_tiny_bundle(tmp_path / "bundle", short, tiny_file, tiny_parity)
    assert list(tmp_path.iterdir()) == []


def test_states_are_kept_in_standard_layout(bundle: Bundle, tiny: Model) -> None:
    from safetensors.numpy import load_file

    stored = load_file(bundle.folder / "weights.safetensors")
    name = "blocks.2.expand.conv.weight"
    np.testing.assert_array_equal(stored[name], tiny.net.get_parameter(name).detach().numpy())
    assert set(stored) == set(tiny.net.state_dict())
