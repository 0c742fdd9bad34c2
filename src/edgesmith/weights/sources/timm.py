"""timm's weights: the network is read off the model object, so that every name of the families is known."""

from __future__ import annotations

from typing import Any

import timm
from timm.data.config import resolve_data_config
from timm.data.imagenet_info import ImageNetInfo
from torch import nn

from edgesmith.core.errors import UsageError, WeightsError
from edgesmith.core.table import unknown
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.nn.build import build
from edgesmith.weights.imported import Imported
from edgesmith.weights.sources.download import fetch
from edgesmith.weights.sources.timm_modules import spec_of, state_of
from edgesmith.weights.state import load_state


def read_timm(text: str, *, pretrained: bool = True) -> Imported:
    """A net of timm with its weights, downloaded by timm.

    Args:
        text: Name, with a tag where it is not the default: ``mobilenetv3_large_100.ra_in1k``.
        pretrained: False gives timm's initial weights, for tests.

    Raises:
        WeightsError: The weights cannot be downloaded, or the net has a layer that the zoo knows no block for.
        UsageError: timm has no such model; names the closest.
    """
    name = text.partition(".")[0]
    if name not in timm.list_models():
        raise unknown(name, timm.list_models("*m*net*"), what="timm model")
    if pretrained and not timm.is_model_pretrained(name):
        raise WeightsError(f"timm has no weights of {name}; it has of: {', '.join(_relatives(name))}")
    model: Any = fetch(lambda: timm.create_model(text, pretrained=pretrained), f"timm:{text}")
    return import_model(model, name=text)


def _relatives(name: str) -> list[str]:
    """Variants of the same family that timm has weights of."""
    family = name.partition("_")[0]
    found: list[str] = timm.list_models(f"{family}_*", pretrained=True)
    return list(dict.fromkeys(each.partition(".")[0] for each in found))


def import_model(model: nn.Module, *, name: str) -> Imported:
    """What `read_timm` gives, of a model that is there already.

    Args:
        model: Made by timm; its ``pretrained_cfg`` says how pictures are prepared.
        name: What people call it.

    Raises:
        UsageError: It does not read three channels.
        WeightsError: A layer has no place in a network of ours.
    """
    config = resolve_data_config({}, model=model)  # type: ignore[no-untyped-call]  # as timm has it
    channels, height, width = config["input_size"]
    if channels != 3:
        raise UsageError(f"{name} reads {channels} channels; pictures have 3")
    spec = spec_of(model, name=name, resolution=(height, width))
    net = build(spec)
    report = load_state(net, state_of(model))
    return Imported(
        name=name,
        spec=spec,
        state=net.state_dict(),
        preprocessing=_preprocessing(config),
        classes=imagenet_classes(spec.num_classes),
        source=f"timm {timm.__version__}, {name}",
        notes=(f"{len(report.sources)} tensors matched by {report.rule}",),
    )


def _preprocessing(config: dict[str, Any]) -> Preprocessing:
    _, height, width = config["input_size"]
    return Preprocessing(
        height=height,
        width=width,
        resize_short=int(max(height, width) / config["crop_pct"]),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
    )


def imagenet_classes(num_classes: int) -> tuple[str, ...]:
    """ImageNet's names where the net has its 1,000 classes, each with a number where a name comes twice."""
    if num_classes != 1000:
        return ()
    info = ImageNetInfo()
    names = [info.index_to_description(index).partition(",")[0] for index in range(num_classes)]
    return tuple(f"{name} ({i})" if names.count(name) > 1 else name for i, name in enumerate(names))
