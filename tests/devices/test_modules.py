from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DeviceError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import Bundle, write_bundle
from edgesmith.devices.modules import load_module

torch = pytest.importorskip("torch", reason="torch comes with edgesmith[train]")

SPEC = find("mobilenet_v3_small@width=0.35,resolution=64,classes=2")


def write(folder: Path, module: object) -> Bundle:
    return write_bundle(
        folder,
        name="tiny",
        task="classification",
        spec=SPEC,
        module=module,  # type: ignore[arg-type]
        classes=["a", "b"],
        preprocessing=Preprocessing.for_resolution(64, 64),
        files=[],
        metrics={},
        provenance={},
    )


def test_opens_a_bundle_with_its_weights(tmp_path: Path) -> None:
    from edgesmith.nn.build import build

    module = build(SPEC).eval()
    write(tmp_path / "bundle", module)
    loaded = load_module(tmp_path / "bundle")
    images = torch.randn(loaded.input_shape)
    with torch.inference_mode():
        assert torch.equal(loaded.module(images), module(images))


def test_builds_a_spec_as_initialised(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(SPEC.to_json()))
    loaded = load_module(path)
    assert loaded.input_shape == (1, 3, 64, 64)
    with torch.inference_mode():
        assert loaded.module.eval()(torch.zeros(loaded.input_shape)).shape == (1, 2)


def test_names_what_is_neither_bundle_nor_spec(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="is neither a bundle nor the JSON file of a spec"):
        load_module(tmp_path)
