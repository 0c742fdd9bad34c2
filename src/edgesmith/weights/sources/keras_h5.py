"""The variables of a Keras file, layer by layer in forward order, in the two layouts that Keras has had.

Keras 2 wrote the names of the layers, in forward order, and of their weights into attributes. Keras 3 writes a group
a layer, named by its class and a running number (``layers/conv2d_3/vars/0``), so that the order between classes has
to be found again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.layers import Array

Variables = list[tuple[str, dict[str, Array]]]

_NORM: Final = ("gamma", "beta", "moving_mean", "moving_variance")
_ROLES: Final = {
    "conv2d": ("kernel", "bias"),
    "depthwise_conv2d": ("depthwise_kernel", "bias"),
    "dense": ("kernel", "bias"),
    "batch_normalization": _NORM,
}
_NOT_THE_MODEL: Final = ("optimizer", "seed_generator")


def read_variables(file: Any) -> Variables:
    """Each layer's name with its weights by Keras's short name (``kernel``, ``gamma``).

    Args:
        file: An open ``h5py.File``.

    Raises:
        WeightsError: There are no weights in it, or of layers that MobileNets do not have.
    """
    root = file.get("model_weights", file)
    variables = _by_attributes(root) if _texts(root, "layer_names") else _by_class(root)
    if not variables:
        raise WeightsError(f"there are no Keras weights in it; it holds: {', '.join(file) or 'nothing'}")
    return variables


def _by_attributes(root: Any) -> Variables:
    """Keras 2: layers as named, and within a nested model by the names of their weights."""
    found: dict[tuple[str, str], dict[str, Array]] = {}
    for layer in _texts(root, "layer_names"):
        for name in _texts(root[layer], "weight_names"):
            owner, _, role = name.removesuffix(":0").rpartition("/")
            found.setdefault((layer, owner), {})[role] = _array(root[layer][name])
    return [(owner or layer, weights) for (layer, owner), weights in found.items()]


def _by_class(root: Any) -> Variables:
    """Keras 3: convolutions, depthwise ones and norms are counted apart, each in forward order."""
    layers: dict[str, dict[int, tuple[str, dict[str, Array]]]] = {kind: {} for kind in _ROLES}
    for path, group in _groups(root):
        kind, number = _kind(path.split("/")[-2])
        name = str(group.attrs.get("name", path))
        if kind not in _ROLES or len(group) > len(_ROLES[kind]):
            raise WeightsError(f"MobileNets have no layer like {name!r} ({path})")
        layers[kind][number] = name, {_ROLES[kind][int(index)]: _array(group[index]) for index in sorted(group)}
    convs, depthwise, dense, norms = ([kept[number] for number in sorted(kept)] for kept in layers.values())
    return _with_norms([*_interleaved(convs, depthwise), *dense], norms)


def _groups(root: Any) -> list[tuple[str, Any]]:
    """Path and group of each layer's variables."""
    found: list[tuple[str, Any]] = []

    def collect(path: str, item: Any) -> None:
        is_training = any(part in _NOT_THE_MODEL for part in path.split("/"))
        if path.endswith("/vars") and len(item) and not is_training:
            found.append((path, item))

    root.visititems(collect)
    return found


def _kind(group: str) -> tuple[str, int]:
    """Class and running number: ``conv2d_3`` is the fourth ``conv2d``."""
    match = re.fullmatch(r"(.+?)(?:_(\d+))?", group)
    return (match[1], int(match[2] or 0)) if match else (group, 0)


def _interleaved(convs: Variables, depthwise: Variables) -> Variables:
    """Both kinds in forward order: a depthwise layer filters what the next plain convolution of its width has made.

    A convolution with a bias is a gate's or the classifier's, which no depthwise layer reads.
    """
    order: Variables = []
    waiting = list(depthwise)
    for name, weights in convs:
        order.append((name, weights))
        if waiting and "bias" not in weights and weights["kernel"].shape[3] == _channels(waiting[0]):
            order.append(waiting.pop(0))
    if waiting:
        raise WeightsError(f"no convolution makes the {_channels(waiting[0])} channels that {waiting[0][0]!r} reads")
    return order


def _channels(depthwise: tuple[str, dict[str, Array]]) -> int:
    return int(depthwise[1]["depthwise_kernel"].shape[2])


def _with_norms(layers: Variables, norms: Variables) -> Variables:
    """Each norm behind its layer: those without a bias have one."""
    bare = sum("bias" not in weights for _, weights in layers)
    if bare != len(norms):
        raise WeightsError(f"{len(norms)} batch norms for {bare} layers without a bias: these are of no MobileNet")
    remaining = iter(norms)
    return [entry for layer in layers for entry in ((layer,) if "bias" in layer[1] else (layer, next(remaining)))]


def _texts(group: Any, name: str) -> list[str]:
    """A list of names from an attribute, which Keras splits into ``name0``, ``name1``, ... where it is long."""
    return [text.decode() if isinstance(text, bytes) else str(text) for part in _parts(group, name) for text in part]


def _parts(group: Any, name: str) -> Iterator[Any]:
    if name in group.attrs:
        yield group.attrs[name]
    number = 0
    while f"{name}{number}" in group.attrs:
        yield group.attrs[f"{name}{number}"]
        number += 1


def _array(dataset: Any) -> Array:
    return np.asarray(dataset, dtype=np.float32)
