"""Which libraries have trained weights of which zoo nets; plain data, so that listing them needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Library: its name of a net, and ours.
KNOWN: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "torchvision": {
            "mobilenet_v3_large": "mobilenet_v3_large",
            "mobilenet_v3_small": "mobilenet_v3_small",
            "mobilenet_v2": "mobilenet_v2",
            "mnasnet0_5": "mnasnet_b1@width=0.5",
            "mnasnet0_75": "mnasnet_b1@width=0.75",
            "mnasnet1_0": "mnasnet_b1",
            "mnasnet1_3": "mnasnet_b1@width=1.3",
            "squeezenet1_0": "squeezenet_1_0",
            "squeezenet1_1": "squeezenet_1_1",
        },
        "timm": {
            "mobilenetv3_large_100": "mobilenet_v3_large",
            "mobilenetv3_small_100": "mobilenet_v3_small",
            "mobilenetv3_small_075": "mobilenet_v3_small@width=0.75",
            "mobilenetv3_small_050": "mobilenet_v3_small@width=0.5",
            "tf_mobilenetv3_large_075": "mobilenet_v3_large@width=0.75",
            "tf_mobilenetv3_large_minimal_100": "mobilenet_v3_large_minimalistic",
            "tf_mobilenetv3_small_minimal_100": "mobilenet_v3_small_minimalistic",
            "mobilenetv4_conv_small": "mobilenet_v4_conv_small",
            "mobilenetv4_conv_small_050": "mobilenet_v4_conv_small@width=0.5",
            "mobilenetv4_conv_medium": "mobilenet_v4_conv_medium",
            "mobilenetv4_conv_large": "mobilenet_v4_conv_large",
            "mobilenetv2_050": "mobilenet_v2@width=0.5",
            "mobilenetv2_100": "mobilenet_v2",
            "mobilenetv2_140": "mobilenet_v2@width=1.4",
            "mobilenetv1_100": "mobilenet_v1",
            "mobilenetv1_125": "mobilenet_v1@width=1.25",
            "mnasnet_100": "mnasnet_b1",
            "mnasnet_small": "mnasnet_small",
            "semnasnet_075": "mnasnet_a1@width=0.75",
            "semnasnet_100": "mnasnet_a1",
        },
    }
)


def sources_of(zoo_name: str) -> tuple[str, ...]:
    """What ``--weights`` and ``edgesmith import`` take for a zoo net, such as ``timm:mobilenetv2_050``."""
    wanted = _key(zoo_name)
    return tuple(
        f"{library}:{name}" for library, nets in KNOWN.items() for name, net in nets.items() if _key(net) == wanted
    )


def library_name(library: str, zoo_name: str) -> str | None:
    """A library's name of a zoo net at its width, else at width 1, else None."""
    nets = {_key(net): name for name, net in reversed(tuple(KNOWN[library].items()))}
    name, _ = _key(zoo_name)
    return nets.get(_key(zoo_name)) or nets.get((name, "1"))


def _key(zoo_name: str) -> tuple[str, str]:
    """The name and the width; other options do not change the weights."""
    name, _, options = zoo_name.partition("@")
    widths = [value for key, _, value in (part.partition("=") for part in options.split(",")) if key == "width"]
    return name, f"{float(widths[0]):g}" if widths else "1"
