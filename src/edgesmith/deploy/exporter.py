"""The steps that all exports share: checks before, conversion, a run of the file, and the record of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError
from edgesmith.core.extras import require
from edgesmith.core.files import atomic_files, sha256_path, size_of
from edgesmith.core.quiet import captured_output, hushed
from edgesmith.core.seed import generator
from edgesmith.deploy.base import (
    DYNAMIC,
    Converted,
    ExportedFile,
    ExportOptions,
    Input,
    refuse_integers,
    refuse_training_mode,
)
from edgesmith.deploy.check import check_ends, check_file
from edgesmith.runtimes.base import TensorInfo

if TYPE_CHECKING:
    from torch import nn


class FileExporter(ABC):
    """An exporter of one format; a new one says what the format can, and converts.

    Attributes:
        format: The name in the table of formats.
        suffix: End of its files' names, with the dot.
        companion_suffixes: What replaces the last part of the suffix in files that lie beside it.
        extra: The extra of edgesmith that installs what it needs.
        packages: The modules that it needs.
        has_open_batch: Whether the number of pictures can be left open.
        takes_pixels: Whether uint8 pictures can be scaled inside the file.
        has_opset: Whether it knows versions of the ONNX operators.
        runs_here: Whether its files can be run on this kind of machine.
    """

    format: ClassVar[str]
    suffix: ClassVar[str]
    companion_suffixes: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    has_open_batch: ClassVar[bool] = False
    takes_pixels: ClassVar[bool] = True
    has_opset: ClassVar[bool] = False
    runs_here: ClassVar[bool] = True

    def export(self, module: nn.Module, spec: NetSpec, path: Path, *, options: ExportOptions = DYNAMIC) -> ExportedFile:
        """Write a file; see `edgesmith.deploy.base.Exporter`."""
        self.check_options(options, spec)
        refuse_integers(module)
        refuse_training_mode(module)
        with captured_output(), hushed():
            for package in ("torch", *self.packages):
                require(package, extra="train" if package == "torch" else self.extra)
        from edgesmith.deploy.prepare import prepare

        batch = options.batch if options.batch or self.has_open_batch else 1
        whole = prepare(module, preprocessing=options.preprocessing)
        ends: tuple[TensorInfo, TensorInfo] | None = None
        with atomic_files(path) as temporary:
            converted = self.convert(whole, spec, temporary, batch=batch, options=options)
            if self.runs_here:
                images = example_images(spec, options, batch=5 if batch is None else batch + 1)
                loaded = check_file(whole, temporary, images, batch=batch)
                ends = check_ends(loaded, Input.FLOAT32 if options.preprocessing is None else Input.UINT8)
        return record_file(self, path, converted, batch=batch, options=options, ends=ends)

    def check_options(self, options: ExportOptions, spec: NetSpec) -> None:
        """Refuse what this format cannot.

        Raises:
            UsageError: Says which option, and what to do instead.
        """
        if options.open_batch and not self.has_open_batch:
            raise UsageError(f"{self.format} files are fixed to one batch size; choose one with --batch, 1 is usual")
        if options.opset is not None and not self.has_opset:
            raise UsageError(f"opset {options.opset} was given, but only onnx files have one; leave it out")
        rule = options.preprocessing
        if rule is not None and not self.takes_pixels:
            raise UsageError(f"{self.format} files take scaled pictures only; scale them as the sample code does")
        if rule is not None and (rule.height, rule.width) != spec.resolution:
            raise UsageError(f"preprocessing cuts {rule.height}x{rule.width}, but {spec.name} takes {spec.resolution}")

    @abstractmethod
    def convert(
        self, whole: nn.Module, spec: NetSpec, path: Path, *, batch: int | None, options: ExportOptions
    ) -> Converted:
        """Write the file, and what must lie beside it.

        Args:
            whole: As `edgesmith.deploy.prepare.prepare` gives it.
            spec: What it was built from.
            path: In a folder of its own.
            batch: Pictures in one run; None to leave it open.
            options: What else is asked.

        Raises:
            ExportError: The module cannot be expressed in this format.
        """


def record_file(
    exporter: FileExporter,
    path: Path,
    converted: Converted,
    *,
    batch: int | None,
    options: ExportOptions,
    ends: tuple[TensorInfo, TensorInfo] | None,
) -> ExportedFile:
    """The record of a file that lies in its place.

    Args:
        exporter: Of its format.
        path: Of the file.
        converted: What its converter told.
        batch: Pictures in one run; None where the number is open.
        options: What was asked.
        ends: Its input and output as `edgesmith.deploy.check.check_ends` gives them; None where it was not run.
    """
    companions = [path.with_suffix(suffix) for suffix in exporter.companion_suffixes]
    return ExportedFile(
        format=exporter.format,
        path=path,
        bytes=sum(map(size_of, (path, *companions))),
        sha256=sha256_path(path),
        companions={companion.name: sha256_path(companion) for companion in companions},
        precision=converted.precision,
        batch=batch,
        layout=converted.layout,
        opset=converted.opset,
        operators=dict(sorted(converted.operators.items())),
        outside=dict(sorted(converted.outside.items())),
        in_float=dict(sorted(converted.in_float.items())),
        preprocessing_inside=options.preprocessing is not None,
        input=ends[0] if ends else None,
        output=ends[1] if ends else None,
        notes=converted.notes,
    )


def example_images(spec: NetSpec, options: ExportOptions, *, batch: int) -> NDArray[np.generic]:
    """Pictures of noise in the shape and type that the traced module takes."""
    height, width = spec.resolution
    rng = generator(0, "export")
    if options.preprocessing is not None:
        return rng.integers(0, 256, (batch, height, width, spec.in_channels), dtype=np.uint8)
    return rng.standard_normal((batch, spec.in_channels, height, width), dtype=np.float32)
