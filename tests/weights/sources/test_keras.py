"""Keras itself, on its torch backend, is the oracle: what it saves must answer as it does."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

os.environ.setdefault("KERAS_BACKEND", "torch")  # before keras is imported
os.environ.setdefault("KERAS_HOME", tempfile.gettempdir())
keras: Any = pytest.importorskip("keras", reason="keras is not installed")

from edgesmith.core.errors import DataError, WeightsError  # noqa: E402
from edgesmith.nn.build import build  # noqa: E402
from edgesmith.weights.imported import Imported  # noqa: E402
from edgesmith.weights.sources.keras import read_keras  # noqa: E402
from edgesmith.weights.state import load_state  # noqa: E402
from tests.nn.nets import relative_difference  # noqa: E402

# Keras's torch backend saves through numpy's old protocol, of which numpy remarks.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")

LAYOUTS = ["net.h5", "net.weights.h5", "net.keras"]


def pixels(size: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Four smooth pictures: noise of 8 pixels enlarged."""
    coarse = torch.rand((4, 3, 8, 8), generator=torch.Generator().manual_seed(seed)) * 255
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return smooth.permute(0, 2, 3, 1).numpy().astype(np.uint8)


def make(family: str, size: int, **options: Any) -> Any:
    """A net of keras.applications that answers logits, with norms calibrated to `pixels`."""
    keras.utils.set_random_seed(1)
    shape = (size, size, 3)
    model = getattr(keras.applications, family)(input_shape=shape, weights=None, classifier_activation=None, **options)
    draw = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
            layer.gamma.assign(draw.uniform(0.5, 1.5, layer.gamma.shape))
            layer.beta.assign(draw.normal(0, 0.3, layer.beta.shape))
    model(as_keras_wants(model, pixels(size)), training=True)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            variance = keras.ops.convert_to_numpy(layer.moving_variance)
            layer.moving_variance.assign(np.maximum(variance, np.median(variance)))  # else they enlarge rounding
    return model


def as_keras_wants(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """V3 scales inside the model, the others are fed scaled pictures."""
    has_scaling = any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers)
    return (images if has_scaling else images / 127.5 - 1).astype(np.float32)


def keras_logits(model: Any, images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(keras.ops.convert_to_numpy(model(as_keras_wants(model, images), training=False)))


def save(model: Any, path: Path) -> Path:
    (model.save_weights if path.name.endswith(".weights.h5") else model.save)(path)
    return path


def our_logits(imported: Imported, values: NDArray[np.float32]) -> Tensor:
    net = build(imported.spec)
    assert load_state(net, imported.state).rule == "name"
    with torch.no_grad():
        logits: Tensor = net.eval()(torch.from_numpy(values))
    return logits


def check(model: Any, path: Path, size: int, zoo: str) -> Imported:
    imported = read_keras(save(model, path))
    assert imported.spec.name.startswith(zoo)
    found = our_logits(imported, imported.preprocessing.normalize(pixels(size)))
    assert relative_difference(found, keras_logits(model, pixels(size))) < 1e-5
    return imported


@pytest.fixture(scope="module")
def small() -> Any:
    return make("MobileNetV3Small", 224)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_v3(small: Any, tmp_path: Path, layout: str) -> None:
    imported = check(small, tmp_path / layout, 224, "mobilenet_v3_small@padding=same,preset=keras")
    assert imported.name == ("net" if "weights" in layout else "MobileNetV3Small")


@pytest.mark.parametrize(
    ("family", "size", "options", "zoo"),
    [
        ("MobileNet", 64, {"alpha": 0.25}, "mobilenet_v1@width=0.25,padding=same,preset=keras,activation=relu6"),
        (
            "MobileNetV2",
            64,
            {"alpha": 0.35, "classes": 5},
            "mobilenet_v2@width=0.35,padding=same,preset=keras,classes=5",
        ),
        ("MobileNetV3Large", 64, {"alpha": 0.35, "minimalistic": True}, "mobilenet_v3_large_minimalistic@width=0.35"),
        ("MobileNetV3Small", 225, {"minimalistic": True}, "mobilenet_v3_small_minimalistic@padding=same"),
        ("MobileNetV2", 97, {"alpha": 0.35}, "mobilenet_v2@width=0.35"),
    ],
)
def test_every_family(tmp_path: Path, family: str, size: int, options: dict[str, Any], zoo: str) -> None:
    imported = check(make(family, size, **options), tmp_path / "net.keras", size, zoo)
    assert imported.spec.resolution == (size, size)
    assert any("stride-2" in note for note in imported.notes) == (family == "MobileNet")


MINIMALISTIC = {"minimalistic": True}
TABLE = [
    *(("MobileNet", {"alpha": alpha}) for alpha in (0.25, 0.5, 0.75, 1.0)),
    *(("MobileNetV2", {"alpha": alpha}) for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)),
    *((f"MobileNetV3{size}", {"alpha": alpha}) for size in ("Small", "Large") for alpha in (0.35, 0.75, 1.0, 1.3)),
    ("MobileNetV3Small", MINIMALISTIC),
    ("MobileNetV3Large", MINIMALISTIC | {"include_preprocessing": False}),
]


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("family", "options"), TABLE)
def test_the_whole_table(tmp_path: Path, layout: str, family: str, options: dict[str, Any]) -> None:
    check(make(family, 224, **options), tmp_path / layout, 224, "mobilenet_v")


def test_case_m3_pixels_are_scaled_exactly_once(small: Any, tmp_path: Path) -> None:
    images = pixels(224)
    wanted = keras_logits(small, images)
    imported = read_keras(save(small, tmp_path / "net.keras"))
    once = imported.preprocessing.normalize(images)
    assert relative_difference(our_logits(imported, once), wanted) < 1e-5
    np.testing.assert_allclose(once, np.moveaxis(images.astype(np.float32) / 127.5 - 1, -1, 1), atol=1e-6)
    by_255 = np.moveaxis(images.astype(np.float32) / np.float32(255), -1, 1).copy()
    assert relative_difference(our_logits(imported, by_255), wanted) > 0.1
    assert relative_difference(our_logits(imported, once / np.float32(127.5) - np.float32(1)), wanted) > 0.1
    with pytest.raises(DataError, match=r"already scaled .* scales once"):
        imported.preprocessing.normalize(once)  # type: ignore[arg-type]


def test_case_m3_the_scaling_is_named(small: Any, tmp_path: Path) -> None:
    inside = read_keras(save(small, tmp_path / "net.keras"))
    outside = read_keras(save(small, tmp_path / "net.weights.h5"))
    assert "scaling (value * 0.00784314 -1) stands inside the Keras model" in inside.notes[0]
    assert "scaling (value * 0.00784314 -1) is not in the file" in outside.notes[0]
    assert inside.preprocessing == outside.preprocessing


def test_case_m3_other_scaling_inside_a_model_is_kept(tmp_path: Path) -> None:
    base = make("MobileNetV2", 64, alpha=0.35, classes=3)
    model = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Rescaling(1 / 255), base])
    imported = read_keras(save(model, tmp_path / "net.keras"))
    images = pixels(64)
    found = our_logits(imported, imported.preprocessing.normalize(images))
    assert relative_difference(found, keras_logits(model, images)) < 1e-5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_head_of_ones_own_on_a_nested_model(tmp_path: Path, layout: str) -> None:
    base = keras.applications.MobileNetV2(input_shape=(64, 64, 3), alpha=0.35, include_top=False, weights=None)
    layers = keras.layers
    model = keras.Sequential([keras.Input((64, 64, 3)), base, layers.GlobalAveragePooling2D(), layers.Dense(4)])
    imported = read_keras(save(model, tmp_path / layout))
    assert imported.spec.num_classes == 4
    images = pixels(64)
    found = our_logits(imported, imported.preprocessing.normalize(images))
    assert relative_difference(found, keras_logits(model, images)) < 1e-5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_model_without_a_classifier_is_refused(tmp_path: Path, layout: str) -> None:
    model = keras.applications.MobileNetV2(input_shape=(64, 64, 3), alpha=0.35, include_top=False, weights=None)
    with pytest.raises(WeightsError, match=f"{layout} has no classifier; save the model with include_top=True"):
        read_keras(save(model, tmp_path / layout))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_family_is_refused(tmp_path: Path, layout: str) -> None:
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(8, 3), layers.Flatten(), layers.Dense(3)])
    with pytest.raises(WeightsError, match=r"these 2 kernels are of no net of the zoo|batch norms for"):
        read_keras(save(model, tmp_path / layout))
