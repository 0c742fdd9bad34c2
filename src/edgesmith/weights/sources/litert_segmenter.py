"""Which segmenter of the zoo the steps of a ``.tflite`` file are: backbone, output stride, and the head's windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from edgesmith.arch.edits.segmentation import dense_head
from edgesmith.arch.heads.lr_aspp import LrAspp
from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.identify import WIDTHS, squeezed
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.layers import Layer, tensor_groups
from edgesmith.weights.sources.litert_signals import Found
from edgesmith.weights.sources.steps import ALIGNED

_BASES: Final = (
    "lraspp_mobilenet_v3_small@tail=halved",
    "lraspp_mobilenet_v3_small@tail=full",
    "lraspp_mobilenet_v3_large@tail=halved",
    "lraspp_mobilenet_v3_large@tail=full",
    "aspp_mobilenet_v2@decoder=lr_aspp,tail=halved",
    "aspp_mobilenet_v2@decoder=lr_aspp,tail=full",
)


def find_segmenter(steps: Sequence[Found], *, padding: Padding, resolution: tuple[int, int]) -> NetSpec:
    """The zoo's segmenter with LR-ASPP that has these steps' kernels, pooled and resized as they are.

    Args:
        steps: Of the file, in its order.
        padding: How its convolutions fill their borders.
        resolution: Height and width of its input in pixels.

    Raises:
        WeightsError: No segmenter of the zoo has such kernels, or its head is no LR-ASPP.
    """
    gated = _gated(steps)
    layers = [found.layer for found in steps if found.layer is not None]
    classes, filters = _widths(steps, gated)
    stride = _output_stride(steps, gated)
    name = _name(layers, f"stride={stride},filters={filters},classes={classes}")
    spec = replace(find(name), padding=padding, preset=Preset.TIMM_TF, resolution=resolution)
    return replace(spec, head=_head(spec, steps, gated))


def _gated(steps: Sequence[Found]) -> Found:
    """The last product: what the gate lets through."""
    products = [found for found in steps if found.step.kind == "product"]
    if not products:
        raise WeightsError("it multiplies no two maps, as LR-ASPP's gate does")
    return products[-1]


def _widths(steps: Sequence[Found], gated: Found) -> tuple[int, int]:
    """Number of classes, and width of the head."""
    projects = [found for n in gated.step.inputs if (found := steps[n]).layer is not None]
    last = [found.layer for found in steps if found.layer is not None][-1]
    if not projects or projects[0].layer is None:
        raise WeightsError("its last product reads no convolution, as LR-ASPP's does")
    return len(last.weight), len(projects[0].layer.weight)


def _output_stride(steps: Sequence[Found], gated: Found) -> int:
    """Pixels of the picture to one of the coarse map: the strides on the way to what the gate multiplies."""
    number = next(n for n in gated.step.inputs if steps[n].layer is not None)
    reached = 1
    while number >= 0:
        reached *= steps[number].step.stride
        number = max(steps[number].step.inputs)
    return reached


def _name(layers: Sequence[Layer], options: str) -> str:
    """The name of the zoo's net that has these kernels, in any order."""
    wanted = Counter(squeezed(layer.weight.shape) for layer in layers)
    for name in _names(options):
        if Counter(squeezed(next(iter(g.values())).shape) for g in tensor_groups(find(name))) == wanted:
            return name
    raise WeightsError(f"these {len(layers)} kernels are of no segmenter of the zoo with LR-ASPP and {options}")


def _names(options: str) -> Iterator[str]:
    for width in WIDTHS:
        wide = "" if width == 1 else f",width={width:g}"
        yield from (f"{base}{wide},{options}" for base in _BASES)


def _head(spec: NetSpec, steps: Sequence[Found], gated: Found) -> LrAspp:
    """The zoo's head with the file's windows, gate and corners."""
    head = dense_head(spec)
    assert isinstance(head, LrAspp), "all names are of nets with LR-ASPP"
    windows = [found.step.window for found in steps if found.step.window]
    height, width, down, across = windows[-1] if windows else (0, 0, 1, 1)
    soft = any(Activation.SIGMOID.value in found.activations for found in steps)
    return replace(
        head,
        window=(height, width) if windows else 0,
        window_stride=(down, across),
        gate=Activation.SIGMOID if soft else Activation.HARD_SIGMOID,
        align_corners=all(found.step.corners in ("", ALIGNED) for found in steps),
        upsample=steps[-1].step.kind == "resize",
    )
