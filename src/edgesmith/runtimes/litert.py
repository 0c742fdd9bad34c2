"""LiteRT (``.tflite``) files through LiteRT's interpreter, whose float and int8 kernels are XNNPACK's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgesmith.core.errors import DeviceError
from edgesmith.core.extras import package_version, require
from edgesmith.core.quiet import captured_output
from edgesmith.runtimes.base import (
    Array,
    TensorInfo,
    picture_layout,
    refuse_options,
    require_file,
    require_images,
    require_one,
)

_DELEGATE: Final = "DELEGATE"
_WEIGHTED: Final = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


class LiteRtRuntime:
    """LiteRT's interpreter with its XNNPACK delegate."""

    name: Final = "litert"
    format: Final = "litert"
    suffix: Final = ".tflite"
    companion_suffixes: Final = ()
    delegate: Final = "XNNPACK"
    option_names: Final = ()

    def version(self) -> str:
        """The version of the ai-edge-litert package."""
        return package_version("ai-edge-litert", extra="litert")

    def check(self, options: Mapping[str, str]) -> None:
        """Refuse options; it has none."""
        refuse_options(options, self)

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, str] | None = None) -> LiteRtFile:
        """Open a LiteRT file; see `edgesmith.runtimes.base.Runtime`."""
        self.check(options or {})
        require_file(path)
        with captured_output():
            module = require("ai_edge_litert.interpreter", extra="litert")
            try:
                interpreter = module.Interpreter(model_path=str(path), num_threads=threads)
                interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise DeviceError(f"litert cannot load {path}: {_reason(error)}; export the file again") from error
        return LiteRtFile(interpreter, path)


class LiteRtFile:
    """An open LiteRT file. The `Loaded` of this runtime."""

    def __init__(self, interpreter: Any, path: Path) -> None:
        self._interpreter = interpreter
        self._path = path
        self.inputs: tuple[TensorInfo, ...] = tuple(map(_tensor_info, interpreter.get_input_details()))
        self.outputs: tuple[TensorInfo, ...] = tuple(map(_tensor_info, interpreter.get_output_details()))
        require_one(self.inputs, path)
        self._input_index = interpreter.get_input_details()[0]["index"]
        self._output_indices = [details["index"] for details in interpreter.get_output_details()]

    def run(self, images: Array) -> Array:
        """The only output; see `edgesmith.runtimes.base.Loaded`."""
        require_one(self.outputs, self._path, what="output")
        return self.run_all(images)[0]

    def run_all(self, images: Array) -> tuple[Array, ...]:
        """Every output; see `edgesmith.runtimes.base.Loaded`."""
        try:
            self._interpreter.set_tensor(self._input_index, images)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            require_images(images, self.inputs[0], self._path)
            raise DeviceError(f"{self._path} does not run: {_reason(error)}") from error
        return tuple(self._interpreter.get_tensor(index) for index in self._output_indices)

    def operators(self) -> tuple[dict[str, int], dict[str, int]]:
        """How often each operator occurs: in the whole file, and outside the delegate."""
        details = self._interpreter._get_ops_details()
        own = [each for each in details if each["op_name"] != _DELEGATE]
        inside: set[int] = set()
        for delegate in details:
            if delegate["op_name"] == _DELEGATE:
                inside |= _computed_inside(delegate, own)
        outside = Counter(each["op_name"] for each in own if each["index"] not in inside)
        return dict(Counter(each["op_name"] for each in own)), dict(outside)

    def float_operators(self) -> dict[str, int]:
        """How often each operator occurs that computes in float.

        Quantizing and its reverse are none, nor are layers of integer weights that round their input at each run.
        """
        dtypes = {each["index"]: np.dtype(each["dtype"]).name for each in self._interpreter.get_tensor_details()}
        return dict(
            Counter(
                each["op_name"]
                for each in self._interpreter._get_ops_details()
                if each["op_name"] not in (_DELEGATE, "DEQUANTIZE", "QUANTIZE")
                and any(dtypes.get(tensor) == "float32" for tensor in each["outputs"])
                and not (each["op_name"] in _WEIGHTED and dtypes.get(each["inputs"][1]) == "int8")
            )
        )

    def stepped_weights(self) -> tuple[int, int]:
        """Of the integer weights of convolutions and linear layers: how many have a step for each channel, and all."""
        tensors = {each["index"]: each for each in self._interpreter.get_tensor_details()}
        weights = {
            int(each["inputs"][1]) for each in self._interpreter._get_ops_details() if each["op_name"] in _WEIGHTED
        }
        scales = [len(tensors[index]["quantization_parameters"]["scales"]) for index in weights if index in tensors]
        return sum(count > 1 for count in scales), sum(count > 0 for count in scales)


def _computed_inside(delegate: Mapping[str, Any], operators: Sequence[Mapping[str, Any]]) -> set[int]:
    """Operators between a delegate's inputs and its outputs, by index."""
    producers = {int(tensor): each for each in operators for tensor in each["outputs"]}
    borders = {int(tensor) for tensor in delegate["inputs"]}
    todo, inside = [int(tensor) for tensor in delegate["outputs"]], set()
    while todo:
        producer = producers.get(todo.pop())
        if producer is not None and producer["index"] not in inside:
            inside.add(int(producer["index"]))
            todo += [int(tensor) for tensor in producer["inputs"] if int(tensor) not in borders]
    return inside


def _tensor_info(details: Mapping[str, Any]) -> TensorInfo:
    shape = tuple(int(size) for size in details["shape"])
    scale, zero_point = details["quantization"]
    return TensorInfo(
        name=str(details["name"]),
        shape=shape,
        dtype=np.dtype(details["dtype"]).name,
        layout=picture_layout(shape),
        scale=float(scale) or None,
        zero_point=int(zero_point),
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(". ")
