"""What is told of an int8 file beside its accuracy and its speed: which parts suffer, and what stays in float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from edgesmith.core.config import to_dict
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.parity import Parity
from edgesmith.deploy.quantize.write import Opened
from edgesmith.deploy.steps import LEAST_AGREEMENT
from edgesmith.devices.local import random_images
from edgesmith.recipes.int8_score import Sensitivity
from edgesmith.runtimes.onnx_profile import operator_shares
from edgesmith.runtimes.onnxruntime import OnnxRuntime

_PROFILED: Final = 20
_NAMED: Final = 3


def report(
    opened: Opened, exported: ExportedFile, float_file: Path, parts: Sequence[Sensitivity], blocks: int, *, unit: str
) -> dict[str, Any]:
    """The keys that each file of ``edgesmith quantize --json`` has for this.

    Args:
        opened: What wrote the file.
        exported: The file that was chosen.
        float_file: Of the same format.
        parts: What each part gives back in float, the worst first.
        blocks: How many the network has.
        unit: Of errors.
    """
    names = [*(f"blocks.{index}" for index in range(blocks)), "head"]
    kernels = opened.source.check_kernels(exported.path)
    shares: dict[str, Mapping[str, float]] = {}
    if opened.format == "onnx":
        shares = {name: _shares(path) for name, path in (("float", float_file), ("int8", exported.path))}
    return {
        "sensitivity": [to_dict(part) for part in parts],
        "per_block_sqnr": [to_dict(noise) for noise in opened.source.compare_parts(exported.path, names)],
        "in_float": dict(exported.in_float),
        "shares": shares,
        "kernels": None if kernels is None else to_dict(kernels),
        "input": to_dict(exported.input),
        "output": to_dict(exported.output),
        "notes": [*exported.notes, *_remarks(exported, parts, kernels, unit)],
    }


def _shares(path: Path) -> dict[str, float]:
    """Each kind of operator's part of the time, for one picture of noise."""
    return operator_shares(path, random_images(OnnxRuntime().load(path).inputs[0], seed=0), runs=_PROFILED)


def _remarks(exported: ExportedFile, parts: Sequence[Sensitivity], kernels: Parity | None, unit: str) -> list[str]:
    remarks = []
    worst = [part for part in parts if part.error > 0][:_NAMED]
    if worst:
        told = ", ".join(f"{each.part} ({each.error:.3f} {unit}, {each.points:+.1f} points)" for each in worst)
        remarks.append(f"int8 harms most in {told}")
    if exported.in_float:
        told = ", ".join(f"{count} {kind}" for kind, count in exported.in_float.items())
        remarks.append(f"computes in float: {told}")
    if kernels is not None and kernels.top1_agreement < LEAST_AGREEMENT:
        remarks.append(
            f"this machine's integer kernels are {kernels.steps:.0f} steps off the file's own arithmetic, with the "
            f"same best class on {kernels.top1_agreement:.0%} of pictures: sums may overflow; try --reduce-range on"
        )
    return remarks
