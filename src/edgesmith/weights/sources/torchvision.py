"""torchvision's own weights of the families that it shares with the zoo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torchvision
from torch import Tensor

from edgesmith.arch.zoo.names import find
from edgesmith.core.table import lookup
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.nn.build import build
from edgesmith.weights.imported import Imported
from edgesmith.weights.sources.download import fetch
from edgesmith.weights.sources.known import KNOWN
from edgesmith.weights.state import load_state

NAMES: Final[Mapping[str, str]] = KNOWN["torchvision"]


def read_torchvision(text: str) -> Imported:
    """A net of torchvision with its weights, downloaded by torchvision.

    Args:
        text: Name, with the entry behind a slash where it is not the default: ``mobilenet_v3_large/IMAGENET1K_V1``.

    Raises:
        WeightsError: The weights cannot be downloaded.
        UsageError: The name or the entry is unknown; names the closest.
    """
    name, _, wanted = text.partition("/")
    zoo_name = lookup(NAMES, name, what="torchvision model")
    entries: Any = torchvision.models.get_model_weights(name)
    entry = lookup(dict(entries.__members__), wanted, what=f"weights of {name}") if wanted else entries.DEFAULT
    state: Mapping[str, Tensor] = fetch(
        lambda: entry.get_state_dict(progress=False, check_hash=True), f"torchvision:{name}"
    )
    rule = entry.transforms()
    (side,), (short,) = rule.crop_size, rule.resize_size
    preprocessing = Preprocessing(
        height=side,
        width=side,
        resize_short=short,
        mean=tuple(rule.mean),
        std=tuple(rule.std),
        interpolation=str(rule.interpolation.value),
    )
    spec = find(zoo_name).with_resolution(side)
    net = build(spec)
    report = load_state(net, state)
    return Imported(
        name=f"{name}-{entry.name}".lower(),
        spec=spec,
        state=net.state_dict(),
        preprocessing=preprocessing,
        classes=tuple(entry.meta["categories"]),
        source=f"torchvision {torchvision.__version__}, {name}, {entry.name}",
        notes=(f"{len(report.sources)} tensors matched by {report.rule}",),
    )
