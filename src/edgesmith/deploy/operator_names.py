"""What operators of model files are called: after the layer of the network that they come from, in every format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

ANY: Final = "*"
_WRAPPERS: Final = re.compile(r"^(?:net\.)+")
_LITERT_STEP: Final = re.compile(r"[\w.]*\.([A-Za-z0-9]+)_([\w.]+)$")
_LITERT_PROGRAM: Final = "Program"


def operator_name(layer: str, operator: str) -> str:
    """``blocks.3.expand.conv/Conv`` of a layer's path and an operator's type; what is put around a net is left out."""
    path = _WRAPPERS.sub("", layer)
    return f"{path}/{operator}" if path else operator


def is_of_part(name: str, part: str) -> bool:
    """Whether an operator called ``name`` belongs to ``part``: ``blocks.3``, ``blocks.3.gate``, any ``head.box*``."""
    if part.endswith(ANY):
        return name.startswith(part.removesuffix(ANY))
    return name == part or name.startswith((f"{part}.", f"{part}/"))


def matching(names: Iterable[str], parts: Iterable[str]) -> list[str]:
    """Of some operators' names those that belong to one of some parts."""
    wanted = tuple(parts)
    return [name for name in names if any(is_of_part(name, part) for part in wanted)]


def layer_of_openvino(name: str) -> str:
    """``blocks.3.gate.squeeze`` of ``__module.blocks.3.gate.squeeze/aten::_convolution/Convolution``; else empty.

    Of an operator that was called after its layer before, that layer.
    """
    path, slash, _ = name.partition("/")
    return path.removeprefix("__module.") if slash and "::" not in path else ""


def layer_of_litert(name: str) -> str:
    """The layer's path from the name that litert-torch gives its output; empty where it tells none.

    ``x.CL/x.Net_net/x.Program_3/x.ConvNorm_expand/x.Conv2d_conv;`` is ``blocks.3.expand.conv``. Of an operator fused
    from several the first is taken, which gives the result: the activation of a convolution with its activation.
    """
    for story in name.split(";"):
        steps = [match.groups() for step in story.split("/") if (match := _LITERT_STEP.search(step))]
        kinds = [kind for kind, _ in steps]
        if _LITERT_PROGRAM in kinds:
            first, *rest = [attribute for _, attribute in steps[kinds.index(_LITERT_PROGRAM) :]]
            return ".".join([f"blocks.{first}" if first.isdigit() else first, *rest])
    return ""
