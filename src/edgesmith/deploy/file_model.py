"""A model file that pictures are put to: what all predictors share; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import DeviceError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.answers import Finish, as_is, finisher
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.parity import run_pictures
from edgesmith.runtimes.base import Loaded
from edgesmith.runtimes.table import runtime_for


class FileModel:
    """A model file with its preprocessing and its class names.

    Whether the file scales pictures itself is read from the file, so that nothing is scaled twice.

    Args:
        loaded: The open file.
        preprocessing: From picture to input.
        classes: Names in the order of the file's answers.
        finish: What is left to do to the file's answers.

    Raises:
        DeviceError: The file's input has another size than the preprocessing gives.
    """

    def __init__(
        self, loaded: Loaded, *, preprocessing: Preprocessing, classes: Sequence[str], finish: Finish = as_is
    ) -> None:
        self.finish = finish
        self.preprocessing = preprocessing
        self.classes: tuple[str, ...] = tuple(classes)
        self._loaded = loaded
        shape = loaded.inputs[0].shape
        size = shape[1:3] if loaded.inputs[0].layout == "NHWC" else shape[2:4]
        wanted = (preprocessing.height, preprocessing.width)
        if len(shape) != 4 or any(have not in (None, want) for have, want in zip(size, wanted, strict=True)):
            raise DeviceError(f"the file takes {shape}, but its preprocessing gives pictures of {wanted}")

    def answers(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network answers to pictures ``(N, H, W, 3)`` as `Preprocessing.crop` gives them."""
        return self.finish(run_pictures(self._loaded, crops, preprocessing=self.preprocessing))

    @classmethod
    def of(cls, bundle: Bundle, loaded: Loaded) -> Self:
        """A file of a bundle that is open already.

        Raises:
            DeviceError: The file's input has another size than the bundle's preprocessing gives.
        """
        manifest = bundle.manifest
        finish = finisher(manifest.spec, loaded.outputs[0])
        return cls(loaded, preprocessing=manifest.preprocessing, classes=manifest.classes, finish=finish)

    @classmethod
    def load(cls, bundle: Bundle, *, file: Path | None = None, threads: int = 1) -> Self:
        """A bundle's file, ready to predict.

        Args:
            bundle: Says how pictures are prepared.
            file: One of its files; its first ONNX file by default.
            threads: Threads that share one run.

        Raises:
            RunError: The bundle has no ONNX file.
            UsageError: No runtime reads such a file.
            DeviceError: The runtime cannot load the file.
        """
        path = file or bundle.path(bundle.manifest.file("onnx"))
        return cls.of(bundle, runtime_for(path.suffix).load(path, threads=threads))
