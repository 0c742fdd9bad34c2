"""What a Keras file says of its model besides the weights: name, input size, and scaling inside the model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from edgesmith.core.errors import WeightsError


@dataclass(frozen=True, kw_only=True)
class KerasConfig:
    """The parts of a model's configuration that an importer needs.

    Attributes:
        name: What the model is called; empty where the file holds weights only.
        resolution: Height and width of its input in pixels; None where it is open or not recorded.
        scalings: Scale and offset of each rescaling inside the model, in forward order.
    """

    name: str = ""
    resolution: tuple[int, int] | None = None
    scalings: tuple[tuple[float, float], ...] = ()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read ``config.json``, or the attribute ``model_config``.

        Raises:
            WeightsError: It is not such a configuration, or scales each channel apart.
        """
        try:
            data = json.loads(text)
            layers = list(_layers(data))
            return cls(
                name=str(data["config"].get("name", "")), resolution=_resolution(layers), scalings=_scalings(layers)
            )
        except (ValueError, KeyError, AttributeError, TypeError):
            raise WeightsError("the configuration in the Keras file is not of a model that can be read") from None

    def scaling(self) -> tuple[float, float]:
        """Factor and offset from pixel values to the first convolution: the file's own, else ``x / 127.5 - 1``."""
        if not self.scalings:
            return 1 / 127.5, -1.0
        factor, offset = 1.0, 0.0
        for scale, shift in self.scalings:
            factor, offset = factor * scale, offset * scale + shift
        return factor, offset


def _layers(data: Any) -> Iterator[dict[str, Any]]:
    """Every layer of the model and of the models inside it, in order."""
    for layer in data["config"].get("layers", []):
        yield layer
        yield from _layers(layer)


def _resolution(layers: list[dict[str, Any]]) -> tuple[int, int] | None:
    for layer in layers:
        shape = layer["config"].get("batch_shape") or layer["config"].get("batch_input_shape")
        if shape and len(shape) == 4 and shape[1] and shape[2] and shape[3] == 3:
            return int(shape[1]), int(shape[2])
    return None


def _scalings(layers: list[dict[str, Any]]) -> tuple[tuple[float, float], ...]:
    found = [layer["config"] for layer in layers if layer["class_name"] == "Rescaling"]
    return tuple((float(config["scale"]), float(config["offset"])) for config in found)
