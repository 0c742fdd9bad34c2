"""Networks from ``.tflite`` files, float or quantized, with the activation ranges that quantized ones hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.names import Activation, Padding
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import WeightsError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.weights.imported import Imported, Range
from edgesmith.weights.sources.curves import line_of
from edgesmith.weights.sources.layers import drop_background, fill, find_spec
from edgesmith.weights.sources.litert_graph import FileTensor, Graph, read_graph
from edgesmith.weights.sources.litert_match import matched
from edgesmith.weights.sources.litert_metadata import read_normalization
from edgesmith.weights.sources.litert_segmenter import find_segmenter
from edgesmith.weights.sources.litert_signals import Found, Signal
from edgesmith.weights.sources.litert_steps import Walk
from edgesmith.weights.sources.scaling import affine, minus_one_to_one


def read_litert(path: Path) -> Imported:
    """A classifier or a segmenter of the zoo from a ``.tflite`` file.

    Weights are dequantised; norms, which such files have folded away, become norms that only add the folded bias.

    Args:
        path: The file; float32, float16, or quantized to 8 bits for each tensor or each channel.

    Raises:
        WeightsError: The file is missing or damaged, or its graph is not that of a net of the zoo; says where they
            differ.
        MissingExtraError: The schema's package is not installed.
    """
    graph = read_graph(path)
    what = "segmenter" if any(operator.kind == "RESIZE_BILINEAR" for operator in graph.operators) else "classifier"
    try:
        return _imported(graph, path)
    except WeightsError as error:
        raise WeightsError(f"{path} cannot be read as a {what} of the zoo: {error}") from None


def _imported(graph: Graph, path: Path) -> Imported:
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise WeightsError(f"it has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, not one of each")
    walk = Walk(graph)
    found, notes = _without_background(walk.found)
    picture = graph.tensors[graph.inputs[0]]
    if len(picture.shape) != 4 or picture.shape[3] != 3:
        raise WeightsError(f"its input is {picture.shape}, not (1, height, width, 3)")
    spec = _spec(found, (picture.shape[1], picture.shape[2]))
    paths = matched(spec, found)
    preprocessing, how = _preprocessing(graph, walk.picture, spec.resolution)
    preprocessing = preprocessing if spec.head.task == Classifier.task else preprocessing.for_whole()
    ranges = _ranges(graph, walk.picture, paths)
    quantized = ("weights are dequantised, (q - zero) * scale; the file's activation ranges are kept beside",)
    return Imported(
        name=path.stem,
        spec=spec,
        state=fill(spec, [step.layer for step in paths.values() if step.layer is not None]),
        preprocessing=preprocessing,
        source=f"LiteRT file {path.name}",
        notes=(*(quantized if ranges else ()), *notes, how),
        ranges=ranges or None,
    )


def _without_background(steps: Sequence[Found]) -> tuple[list[Found], tuple[str, ...]]:
    """The steps with the layers that `drop_background` leaves, and its notes."""
    layers, notes = drop_background([found.layer for found in steps if found.layer is not None])
    left = iter(layers)
    return [found if found.layer is None else replace(found, layer=next(left)) for found in steps], notes


def _spec(steps: Sequence[Found], resolution: tuple[int, int]) -> NetSpec:
    paddings = frozenset(Padding).intersection(*(found.paddings for found in steps))
    padding = next((rule for rule in (Padding.SAME, Padding.SYMMETRIC) if rule in paddings), None)
    if padding is None:
        raise WeightsError("its convolutions are padded neither as SAME nor symmetrically")
    if any(found.step.kind == "resize" for found in steps):
        return find_segmenter(steps, padding=padding, resolution=resolution)
    return find_spec(
        [found.layer for found in steps if found.layer is not None],
        preset=Preset.TIMM_TF,
        padding=padding,
        resolution=resolution,
        v1_activation=Activation.RELU6 if Activation.RELU6 in steps[0].activations else Activation.RELU,
    )


def _preprocessing(graph: Graph, picture: Signal, resolution: tuple[int, int]) -> tuple[Preprocessing, str]:
    """From 0..255 to what the first convolution reads, and where that is recorded."""
    tensor = graph.tensors[graph.inputs[0]]
    line = line_of(picture.curves[0])
    if line is None or line[0] <= 0:
        raise WeightsError("it does more to its pixels than a factor and an offset")
    if len(tensor.scale):
        scale, zero = float(tensor.scale[0]), float(tensor.zero[0]) + (128 if tensor.dtype == "INT8" else 0)
        factor, offset = line[0] * scale, line[1] - line[0] * zero * scale
        return affine(resolution, factor=factor, offset=offset), _scaled(factor, offset, "is the input's quantization")
    if line != (1.0, 0.0):
        return affine(resolution, factor=line[0], offset=line[1]), _scaled(*line, "stands inside the file's graph")
    if (recorded := read_normalization(graph.metadata)) is not None:
        mean, std = recorded
        rule = replace(affine(resolution, factor=1.0, offset=0.0), mean=mean, std=std)
        return rule, f"the scaling of pixels, (value - {mean}) / {std}, is the file's metadata"
    return minus_one_to_one(resolution), _scaled(1 / 127.5, -1.0, "is TensorFlow's; the file records none")


def _scaled(factor: float, offset: float, where: str) -> str:
    return f"the scaling of pixels, value * {factor:.6g} {offset:+.6g}, {where}"


def _ranges(graph: Graph, picture: Signal, paths: Mapping[str, Found]) -> dict[str, Range]:
    """The range of every quantized activation by the net's paths; empty for a float file."""
    numbers = {"input": picture.tensor}
    for path, found in paths.items():
        numbers[path] = found.after
        if found.before != found.after:
            numbers[f"{path}.linear"] = found.before
    ranges = {name: _range(graph.tensors[number]) for name, number in numbers.items()}
    return {name: limits for name, limits in ranges.items() if limits is not None}


def _range(tensor: FileTensor) -> Range | None:
    if tensor.limits is None:
        return None
    low, high = tensor.limits
    return Range(low=low, high=high, step=float(tensor.scale[0]))
