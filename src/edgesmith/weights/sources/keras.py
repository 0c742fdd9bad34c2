"""MobileNetV1, V2 and V3 as `keras.applications` makes them, from files of Keras 2 and 3, without Keras.

Source: keras-team/keras, keras/src/applications/mobilenet.py, mobilenet_v2.py and mobilenet_v3.py.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from edgesmith.arch.presets import Preset
from edgesmith.core.errors import WeightsError, first_line
from edgesmith.core.extras import require
from edgesmith.weights.imported import Imported
from edgesmith.weights.sources.keras_config import KerasConfig
from edgesmith.weights.sources.keras_h5 import Variables, read_variables
from edgesmith.weights.sources.layers import (
    Array,
    Layer,
    drop_background,
    fill,
    find_spec,
    from_hwc1,
    from_hwio,
    norm_of,
)
from edgesmith.weights.sources.scaling import affine

_FAMILIES: Final = ("MobileNetV1", "MobileNetV2", "MobileNetV3")
_EVEN: Final = (
    "Keras pads these stride-2 layers as at even sizes; the answers equal Keras's where every such layer's input is "
    "even, as at multiples of 32 pixels"
)


def read_keras(path: Path) -> Imported:
    """A MobileNet from a Keras file: weights only or a whole model, ``.h5``, ``.weights.h5`` or ``.keras``.

    Scaling that stands inside the Keras model becomes part of the preprocessing, so that it is applied once.

    Args:
        path: The file.

    Raises:
        WeightsError: The file is missing or damaged, has no classifier, or holds no MobileNet that the zoo has.
        MissingExtraError: h5py is not installed.
    """
    config, variables = _read(path)
    layers, notes = drop_background(keras_layers(variables))
    if layers[-1].norm:
        raise WeightsError(f"{path} has no classifier; save the model with include_top=True, or with a head of yours")
    spec = find_spec(layers, preset=Preset.KERAS, resolution=config.resolution or (224, 224))
    if spec.family not in _FAMILIES:
        raise WeightsError(f"{path} holds a {spec.family}; from Keras are read: {', '.join(_FAMILIES)}")
    factor, offset = config.scaling()
    pads_as_even = spec.family == "MobileNetV1" or config.resolution is None
    return Imported(
        name=config.name or path.name.split(".")[0],
        spec=spec,
        state=fill(spec, layers),
        preprocessing=affine(spec.resolution, factor=factor, offset=offset),
        source=f"Keras file {path.name}",
        notes=(*notes, _scaling_note(config), *((_EVEN,) if pads_as_even else ())),
    )


def keras_layers(variables: Variables) -> list[Layer]:
    """The layers with their norms.

    Args:
        variables: For each of Keras's layers in forward order, its name and its weights by their short names.

    Raises:
        WeightsError: A layer is none that MobileNets have.
    """
    layers: list[Layer] = []
    for name, weights in variables:
        if (weight := _torch_layout(weights)) is not None:
            layers.append(Layer(name=name, weight=weight, bias=weights.get("bias")))
        elif layers and not layers[-1].norm:
            layers[-1] = replace(layers[-1], norm=norm_of(weights, name=name))
        else:
            raise WeightsError(f"MobileNets have no layer like {name!r} ({', '.join(weights)}) in this place")
    return layers


def _torch_layout(weights: Mapping[str, Array]) -> Array | None:
    """A layer's kernel; None for a norm. Keras 3 calls a depthwise kernel ``kernel`` too: its last axis is 1."""
    kernel = weights.get("depthwise_kernel", weights.get("kernel"))
    if kernel is None:
        return None
    if kernel.ndim == 2:
        return np.ascontiguousarray(kernel.T)
    is_depthwise = "depthwise_kernel" in weights or (kernel.shape[3] == 1 and kernel.shape[0] > 1)
    return from_hwc1(kernel) if is_depthwise else from_hwio(kernel)


def _scaling_note(config: KerasConfig) -> str:
    factor, offset = config.scaling()
    where = "stands inside the Keras model and is" if config.scalings else "is not in the file; keras.applications' is"
    return f"scaling (value * {factor:.6g} {offset:+g}) {where} part of the preprocessing, which is applied once"


def _read(path: Path) -> tuple[KerasConfig, Variables]:
    """What the file says of its model, empty for weights only, and its variables."""
    if not path.is_file():
        raise WeightsError(f"no Keras file at {path.absolute()}")
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                config = KerasConfig.from_json(archive.read("config.json"))
                return config, _variables(io.BytesIO(archive.read("model.weights.h5")))[1]
        return _variables(path)
    except (OSError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} is not a whole Keras file: {first_line(error)}") from None


def _variables(source: Path | io.BytesIO) -> tuple[KerasConfig, Variables]:
    with require("h5py", extra="weights").File(source, "r") as file:
        text = file.attrs.get("model_config")
        return KerasConfig() if text is None else KerasConfig.from_json(text), read_variables(file)
