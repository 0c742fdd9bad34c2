"""An int8 file that was run: written under a plan, compared with the float answers, and recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import DeviceError, ExportError
from edgesmith.core.files import atomic_files
from edgesmith.deploy.base import ExportedFile, Input
from edgesmith.deploy.check import check_ends
from edgesmith.deploy.exporter import record_file
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.parity import eager_function
from edgesmith.deploy.quantize.base import Calibration, Kind, QuantPlan, Source
from edgesmith.deploy.quantize.ends import absent_kinds, float_ends
from edgesmith.deploy.quantize.table import get_quantizer
from edgesmith.runtimes.base import Loaded, TensorInfo, from_output, to_input
from edgesmith.runtimes.table import runtime_for

if TYPE_CHECKING:
    from edgesmith.nn.build import Net

_LOOKED_AT = 8


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A network ready for any number of plans.

    Attributes:
        format: Of the files.
        source: The tool's own side.
        float_answers: Of the first pictures in float, ``(N, ...)``.
        calibration: The pictures.
        mended: Filters whose step was raised so that their bias fits.
        ends: Parts that no plan quantizes.
        absent: Kinds that the network has none of.
    """

    format: str
    source: Source
    float_answers: NDArray[np.float32]
    calibration: Calibration
    mended: int
    ends: tuple[str, ...] = ()
    absent: frozenset[Kind] = frozenset()

    def write(self, path: Path, plan: QuantPlan) -> ExportedFile:
        """Write the file of a plan, run it, and see that it takes what was asked.

        Raises:
            UsageError: The tool cannot do what the plan asks.
            ExportError: The tool failed, or the file answers nonsense.
        """
        exporter = get_exporter(self.format)
        get_quantizer(self.format).check_plan(plan)
        with atomic_files(path) as temporary:
            converted = self.source.write(temporary, replace(plan, float_parts=(*plan.float_parts, *self.ends)))
            ends = self._check(temporary, plan)
        notes = [plan.describe(), *converted.notes]
        if self.ends:
            notes.append(f"always in float: {', '.join(self.ends)}")
        if self.mended:
            notes.append(f"{self.mended} filters of next to no weight got a step that their bias fits in")
        batch = None if exporter.has_open_batch else 1
        record = replace(converted, notes=tuple(notes))
        return record_file(exporter, path, record, batch=batch, options=self.calibration.options, ends=ends)

    def _check(self, path: Path, plan: QuantPlan) -> tuple[TensorInfo, TensorInfo]:
        count = len(self.float_answers)
        try:
            loaded = runtime_for(path.suffix).load(path)
            ends = check_ends(loaded, self._wanted(plan))
            answers = self._answers(loaded, count)
        except DeviceError as error:
            raise ExportError(f"the int8 file does not run: {error}") from error
        if not np.isfinite(answers).all():
            raise ExportError("the int8 file gives answers that are not finite; it was not kept")
        if count > 1 and np.ptp(answers, axis=0).max() == 0 < np.ptp(self.float_answers, axis=0).max():
            raise ExportError("the int8 file answers the same whatever it is shown; it was not kept")
        return ends

    def _answers(self, loaded: Loaded, count: int) -> NDArray[np.float32]:
        """The file's answers to the first pictures, one by one."""
        rows = [self.calibration.inputs[index : index + 1] for index in range(count)]
        if self.calibration.pictures is None:
            return np.concatenate([run_float(loaded, row) for row in rows])
        return np.concatenate([from_output(loaded.run(row), loaded.outputs[0]) for row in rows])

    def _wanted(self, plan: QuantPlan) -> Input:
        if self.calibration.preprocessing is not None:
            return Input.UINT8
        return Input.INT8 if plan.integer_ends else Input.FLOAT32


def open_quantizer(format_name: str, net: Net, spec: NetSpec, calibration: Calibration, folder: Path) -> Opened:
    """Do for a network what all int8 plans of one format share.

    Args:
        format_name: Of the files.
        net: With float weights, in evaluation mode; left as it is.
        spec: What it was built from.
        calibration: Pictures that set the ranges.
        folder: For what the tool needs meanwhile.

    Raises:
        UsageError: The format has no int8 here, or takes no uint8 pictures.
        MissingExtraError: The tool is not installed.
    """
    quantizer = get_quantizer(format_name)
    quantizer.require_tools()
    from edgesmith.deploy.quantize.dead_channels import with_living_channels

    living, mended = with_living_channels(net, calibration)
    return Opened(
        format=format_name,
        source=quantizer.open(living, spec, calibration, folder),
        float_answers=eager_function(net)(calibration.images[:_LOOKED_AT]),
        calibration=calibration,
        mended=mended,
        ends=float_ends(spec),
        absent=absent_kinds(spec),
    )


def run_float(loaded: Loaded, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """A file's answers ``(N, ...)`` in plain numbers, for scaled pictures ``(N, 3, H, W)``."""
    return from_output(loaded.run(to_input(images, loaded.inputs[0])), loaded.outputs[0])
