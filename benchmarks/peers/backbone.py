"""A bundle's MobileNetV3 into torchvision's: the same tensors in the same order under other names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from edgesmith.core.errors import WeightsError
from edgesmith.deploy.bundle import load_module, open_bundle


def load_backbone_(net: nn.Module, bundle: Path) -> None:
    """Fill ``features`` of a torchvision classifier with a bundle's blocks.

    Raises:
        WeightsError: The networks differ.
    """
    fill_features_(net, load_module(open_bundle(bundle)).state_dict())


def fill_features_(net: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Fill ``features`` by order; padding is no tensor, so TensorFlow's weights meet torchvision's in training.

    Raises:
        WeightsError: The networks differ.
    """
    features = net.get_submodule("features")
    values = [value for name, value in state.items() if name.startswith("blocks.") and value.ndim > 0]
    wanted = {name: value.shape for name, value in features.state_dict().items() if value.ndim > 0}
    if [value.shape for value in values] != list(wanted.values()):
        raise WeightsError(f"the layers are not those of {type(net).__name__}; import a MobileNetV3-Small")
    features.load_state_dict(dict(zip(wanted, values, strict=True)), strict=False)
