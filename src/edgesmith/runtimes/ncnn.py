"""ncnn (``.ncnn.param`` with ``.ncnn.bin``) files on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgesmith.core.errors import DeviceError, UsageError
from edgesmith.core.extras import package_version, require
from edgesmith.core.quiet import captured_output
from edgesmith.core.table import lookup
from edgesmith.runtimes.base import Array, TensorInfo, refuse_options, require_companions, require_images, require_one

_EXTRA: Final = "ncnn"
_SWITCH: Final[Mapping[str, bool]] = {"on": True, "off": False}


class NcnnRuntime:
    """ncnn with arithmetic and storage in float32.

    Its files take one picture, colours first. Option ``bf16`` (``on`` or ``off``): whether activations are kept as
    bfloat16, which is faster and less exact.
    """

    name: Final = "ncnn"
    format: Final = "ncnn"
    suffix: Final = ".param"
    companion_suffixes: Final = (".bin",)
    delegate: Final = "CPU layers"
    option_names: Final = ("bf16",)

    def version(self) -> str:
        """The version of the ncnn package."""
        return package_version("ncnn", extra=_EXTRA)

    def check(self, options: Mapping[str, str]) -> None:
        """Refuse unknown options and values; see `edgesmith.runtimes.base.Runtime`."""
        refuse_options(options, self)
        lookup(_SWITCH, options.get("bf16", "off"), what="value of bf16")

    def load(self, path: Path, *, threads: int = 1, options: Mapping[str, str] | None = None) -> NcnnFile:
        """Open an ncnn file; see `edgesmith.runtimes.base.Runtime`."""
        options = options or {}
        self.check(options)
        if threads < 1:
            raise UsageError(f"threads must be at least 1, got {threads}")
        require_companions(path, self.companion_suffixes)
        ncnn = require("ncnn", extra=_EXTRA)
        net = ncnn.Net()
        net.opt.num_threads = threads
        net.opt.use_vulkan_compute = False
        for half in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
            setattr(net.opt, half, False)
        net.opt.use_bf16_storage = _SWITCH[options.get("bf16", "off")]
        with captured_output() as said:
            if net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin"))):
                raise DeviceError(f"ncnn cannot load {path}: {_reason(said())}; export the file again")
        return NcnnFile(ncnn, net, path)


class NcnnFile:
    """An open ncnn file. The `Loaded` of this runtime."""

    def __init__(self, ncnn: Any, net: Any, path: Path) -> None:
        self._mat = ncnn.Mat
        self._net = net
        self._path = path
        inputs, outputs = list(net.input_names()), list(net.output_names())
        self.inputs: tuple[TensorInfo, ...] = tuple(
            TensorInfo(name=name, shape=_input_shape(path), dtype="float32", layout="NCHW") for name in inputs
        )
        self.outputs: tuple[TensorInfo, ...] = tuple(
            TensorInfo(name=name, shape=(1, None), dtype="float32", layout="other") for name in outputs
        )
        require_one(self.inputs, path)

    def run(self, images: Array) -> Array:
        """The only output; see `edgesmith.runtimes.base.Loaded`."""
        require_one(self.outputs, self._path, what="output")
        return self.run_all(images)[0]

    def run_all(self, images: Array) -> tuple[Array, ...]:
        """Every output; see `edgesmith.runtimes.base.Loaded`."""
        require_images(images, self.inputs[0], self._path)
        extractor = self._net.create_extractor()
        picture = self._mat(np.ascontiguousarray(images[0]))
        extractor.input(self.inputs[0].name, picture)
        answers = []
        for info in self.outputs:
            failed, answer = extractor.extract(info.name)
            if failed:
                raise DeviceError(f"{self._path} does not run: ncnn gave code {failed} for {info.name}")
            answers.append(np.array(answer)[None])
        return tuple(answers)


def _input_shape(path: Path) -> tuple[int | None, ...]:
    """Read off the Input layer, ``0=width 1=height 2=channels``; a file need not tell."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["Input"]:
            sizes = dict(word.split("=") for word in words[4:] if "=" in word)
            return (1, *(int(sizes[key]) if sizes.get(key, "0") != "0" else None for key in ("2", "1", "0")))
    return (1, None, None, None)


def _reason(said: str) -> str:
    return " ".join(said.split())[-200:] or "it gives no reason"
