"""How the torch device gets the module of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import DeviceError
from edgesmith.core.extras import require
from edgesmith.core.files import read_json
from edgesmith.deploy import bundle as bundles
from edgesmith.devices.torch import LoadedModule

if TYPE_CHECKING:
    from torch import nn


def load_module(path: Path) -> LoadedModule:
    """Build the network of a bundle, or of a spec's JSON file with weights as initialised.

    Raises:
        DeviceError: It is neither.
        WeightsError: The bundle's weights are of another network.
    """
    require("torch", extra="train")
    from edgesmith.nn.build import build

    if bundles.is_bundle(path):
        bundle = bundles.open_bundle(path, verify=False)
        return _with_shape(bundle.manifest.spec, bundles.load_module(bundle))
    if not path.is_file():
        raise DeviceError(f"{path} is neither a bundle nor the JSON file of a spec, which device torch takes")
    spec = NetSpec.from_json(read_json(path))
    return _with_shape(spec, build(spec))


def _with_shape(spec: NetSpec, module: nn.Module) -> LoadedModule:
    return LoadedModule(module=module, input_shape=(1, spec.in_channels, *spec.resolution))
