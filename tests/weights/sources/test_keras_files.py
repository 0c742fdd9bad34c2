"""Layouts that today's Keras no longer writes, and files that cannot be read; no Keras needed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import MissingExtraError, WeightsError
from edgesmith.nn.build import Net, build
from edgesmith.weights.sources.keras import read_keras
from edgesmith.weights.sources.keras_config import KerasConfig
from tests.nn.nets import calibrate
from tests.weights.sources.slim_names import slim_variables

h5py: Any = pytest.importorskip("h5py", reason="h5py is not installed")

SPEC = "mobilenet_v3_small@width=0.75,padding=same,preset=keras"


def keras2_layers(net: Net) -> dict[str, dict[str, NDArray[np.float32]]]:
    """A net under the names of tf.keras 2: ``expanded_conv_1/depthwise/depthwise_kernel:0``."""
    layers: dict[str, dict[str, NDArray[np.float32]]] = {}
    roles = {"weights": "kernel", "depthwise_weights": "depthwise_kernel", "biases": "bias"}
    for name, value in slim_variables(net).items():
        layer, _, role = name.removeprefix("MobilenetV3/").rpartition("/")
        layers.setdefault(layer, {})[f"{layer}/{roles.get(role, role)}:0"] = value
    return layers


def write_keras2(
    path: Path, layers: Mapping[str, Mapping[str, NDArray[np.float32]]], *, inside: str = "", parts: int = 1
) -> None:
    """Keras 2's layout; ``parts`` splits the list of layers as Keras does with long ones."""
    with h5py.File(path, "w") as file:
        root = file.create_group(inside) if inside else file
        names = np.array(list(layers), dtype="S")
        if parts == 1:
            root.attrs["layer_names"] = names
        else:
            for number, part in enumerate(np.array_split(names, parts)):
                root.attrs[f"layer_names{number}"] = part
        for layer, weights in layers.items():
            group = root.create_group(layer) if layer not in root else root[layer]
            group.attrs["weight_names"] = np.array(list(weights), dtype="S")
            for name, value in weights.items():
                group[name] = value


@pytest.mark.parametrize(("inside", "parts"), [("", 1), ("model_weights", 1), ("", 4)])
def test_case_m13_keras_2_names(tmp_path: Path, inside: str, parts: int) -> None:
    net = calibrate(build(find(SPEC)))
    write_keras2(tmp_path / "weights_mobilenet.h5", keras2_layers(net), inside=inside, parts=parts)
    imported = read_keras(tmp_path / "weights_mobilenet.h5")
    assert imported.spec == find(SPEC)
    assert (imported.name, imported.source) == ("weights_mobilenet", "Keras file weights_mobilenet.h5")
    own = net.state_dict()
    assert list(imported.state) == list(own)
    assert all(torch.equal(value, own[key]) for key, value in imported.state.items() if "tracked" not in key)


def test_1001_classes_lose_the_background(tmp_path: Path) -> None:
    layers = keras2_layers(build(find(f"{SPEC},classes=1001")))
    write_keras2(tmp_path / "net.h5", layers)
    imported = read_keras(tmp_path / "net.h5")
    assert imported.spec.num_classes == 1000
    assert any("'background', is dropped" in note for note in imported.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"odd": {"odd/alpha:0": np.zeros(3, np.float32)}}, r"no layer like 'odd' \(alpha\) in this place"),
        ({"bn": {"bn/gamma:0": np.zeros(16, np.float32)}}, r"no layer like 'bn' \(gamma\) in this place"),
    ],
)
def test_foreign_layers_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write_keras2(tmp_path / "net.h5", change)
    with pytest.raises(WeightsError, match=message):
        read_keras(tmp_path / "net.h5")


def test_a_norm_without_its_variance_is_refused(tmp_path: Path) -> None:
    layers = keras2_layers(build(find(SPEC)))
    del layers["Conv/BatchNorm"]["Conv/BatchNorm/moving_variance:0"]
    write_keras2(tmp_path / "net.h5", layers)
    with pytest.raises(WeightsError, match="norm of the file's layer 'Conv/BatchNorm' has no moving_variance"):
        read_keras(tmp_path / "net.h5")


@pytest.mark.parametrize("name", ["net.h5", "net.keras", "net.weights.h5"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x89HDF\r\n\x1a\n" + b"\0" * 50])
def test_damaged_files_are_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match="is not a whole Keras file") as caught:
        read_keras(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_other_files_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no Keras file at"):
        read_keras(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(WeightsError, match="no Keras weights in it; it holds: images"):
        read_keras(tmp_path / "net.h5")
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("data.pkl", b"")
    with pytest.raises(WeightsError, match=r"is not a whole Keras file: .*config.json"):
        read_keras(tmp_path / "net.keras")


def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.h5").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"h5py is not installed; pip install 'edgesmith\[weights\]'"):
        read_keras(tmp_path / "net.h5")


def layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": config}


def model(*layers: dict[str, Any]) -> str:
    return json.dumps({"class_name": "Functional", "config": {"name": "mine", "layers": layers}})


def test_case_m3_scalings_inside_a_model_add_up() -> None:
    inner = {"class_name": "Functional", "config": {"layers": [layer("Rescaling", scale=1 / 127.5, offset=-1)]}}
    config = KerasConfig.from_json(model(layer("Rescaling", scale=2, offset=3), inner))
    assert config.scaling() == pytest.approx((2 / 127.5, 3 / 127.5 - 1))
    assert KerasConfig().scaling() == (1 / 127.5, -1.0)


@pytest.mark.parametrize(
    ("shape", "resolution"),
    [([None, 96, 128, 3], (96, 128)), ([None, None, None, 3], None), ([None, 3, 96, 96], None), ([None, 7], None)],
)
def test_the_input_size_is_read(shape: list[int | None], resolution: tuple[int, int] | None) -> None:
    assert KerasConfig.from_json(model(layer("InputLayer", batch_shape=shape))).resolution == resolution
    assert KerasConfig.from_json(model(layer("InputLayer", batch_input_shape=shape))).resolution == resolution


@pytest.mark.parametrize("text", ["", "[]", "{}", model(layer("Rescaling", scale=[1, 2, 3], offset=0))])
def test_configurations_that_cannot_be_read(text: str) -> None:
    with pytest.raises(WeightsError, match="configuration in the Keras file"):
        KerasConfig.from_json(text)
