"""A model file that pictures are put to: what all predictors share; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from edgesmith.core.errors import DeviceError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import Bundle
from edgesmith.runtimes.base import Loaded
from edgesmith.runtimes.table import get_runtime


class FileModel:
    """A model file with its preprocessing and its class names.

    Whether the file scales pictures itself is read from the file, so that nothing is scaled twice.

    Args:
        loaded: The open file.
        preprocessing: From picture to input.
        classes: Names in the order of the file's answers.

    Raises:
        DeviceError: The file's input has another size than the preprocessing gives.
    """

    def __init__(self, loaded: Loaded, *, preprocessing: Preprocessing, classes: Sequence[str]) -> None:
        self.preprocessing = preprocessing
        self.classes: tuple[str, ...] = tuple(classes)
        self._loaded = loaded
        shape = loaded.inputs[0].shape
        size = shape[1:3] if loaded.inputs[0].layout == "NHWC" else shape[2:4]
        wanted = (preprocessing.height, preprocessing.width)
        if len(shape) != 4 or any(have not in (None, want) for have, want in zip(size, wanted, strict=True)):
            raise DeviceError(f"the file takes {shape}, but its preprocessing gives pictures of {wanted}")

    @classmethod
    def of(cls, bundle: Bundle, loaded: Loaded) -> Self:
        """A file of a bundle that is open already.

        Raises:
            DeviceError: The file's input has another size than the bundle's preprocessing gives.
        """
        return cls(loaded, preprocessing=bundle.manifest.preprocessing, classes=bundle.manifest.classes)

    @classmethod
    def load(cls, bundle: Bundle, *, format_name: str = "onnx", runtime: str = "onnxruntime", threads: int = 1) -> Self:
        """A bundle's file of a format, ready to predict.

        Raises:
            RunError: The bundle has no such file.
            UsageError: There is no such runtime.
            DeviceError: The runtime cannot load the file.
        """
        path = bundle.path(bundle.manifest.file(format_name))
        return cls.of(bundle, get_runtime(runtime).load(path, threads=threads))
