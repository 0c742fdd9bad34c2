"""The model files of the networks, kept in a folder: a float file, or int8 files under the plans that differ."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from calibrated import calibrate_
from torch import Tensor, nn
from torch.nn import functional as F

from edgesmith.arch.cost import count_total
from edgesmith.arch.names import Activation
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.files import read_json, write_json
from edgesmith.core.seed import generator
from edgesmith.deploy.base import SINGLE, ExportedFile, split_kind
from edgesmith.deploy.formats import get_exporter
from edgesmith.deploy.quantize.base import Calibration, Kind, QuantPlan
from edgesmith.deploy.quantize.table import get_quantizer
from edgesmith.deploy.quantize.write import open_quantizer
from edgesmith.nn.build import Net, build
from paper.groups import Entry
from paper.nets import FLOAT_PLAN, SWISH_FLOAT, WHOLE

PICTURES: Final = 2  # noise sets the ranges: these files are timed, never scored


class WrittenHardSwish(nn.Module):
    """H-swish in operators that every runtime has.

    In the usual grouping, ``x * relu6(x + 3) / 6``, LiteRT's converter finds it and makes it one operator again.

    Shape: any -> the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Shift and clip, times a sixth of the input."""
        return F.relu6(x + 3.0) * (x / 6.0)


@dataclass(frozen=True, kw_only=True)
class Made:
    """The files of one network of one kind.

    Attributes:
        paths: By plan; an int8 plan that changes nothing is left out.
        outside: By plan, the operators that the format's fast kernels leave to slow ones.
    """

    paths: Mapping[str, Path]
    outside: Mapping[str, Mapping[str, int]]


def join_made(first: Made, second: Made) -> Made:
    """The files of two kinds of one network; they have no plan in common."""
    return Made(paths={**first.paths, **second.paths}, outside={**first.outside, **second.outside})


def load_made(entry: Entry, kind: str, folder: Path, *, seed: int) -> Made | None:
    """The files if they were made before.

    Args:
        entry: The network.
        kind: Of the files, such as ``onnx`` or ``litert:int8``.
        folder: Where they are kept.
        seed: Of the weights.
    """
    record = _record(entry, kind, folder, seed)
    if not record.is_file():
        return None
    found: dict[str, dict[str, Any]] = read_json(record)
    return Made(
        paths={plan: record.with_name(each["file"]) for plan, each in found.items()},
        outside={plan: each["outside"] for plan, each in found.items()},
    )


def make(entry: Entry, kinds: list[str], folder: Path, *, seed: int) -> None:
    """Make the files of some kinds that are missing; the weights are random, with calibrated norms."""
    missing = [kind for kind in kinds if load_made(entry, kind, folder, seed=seed) is None]
    if not missing:
        return
    net = calibrate_(build(entry.spec, seed=seed), seed=seed)
    if entry.plain:
        write_out_swish_(net)
    for kind in missing:
        form, is_int8 = split_kind(kind)
        path = folder / f"{_stem(entry, seed)}{get_exporter(form).suffix}"
        files = _quantized(net, form, path, seed) if is_int8 else {FLOAT_PLAN: _exported(net, form, path)}
        record = {plan: {"file": each.path.name, "outside": dict(each.outside)} for plan, each in files.items()}
        write_json(_record(entry, kind, folder, seed), record)


def costs(spec: NetSpec) -> dict[str, int]:
    """Parameters and multiply-adds as papers count them."""
    total = count_total(spec)
    return {"parameters": total.parameters, "madds": total.madds}


def write_out_swish_(net: nn.Module) -> None:
    """Put `WrittenHardSwish` into the place of every h-swish."""
    for parent in list(net.modules()):
        for name, part in list(parent.named_children()):
            if isinstance(part, nn.Hardswish):
                setattr(parent, name, WrittenHardSwish().eval())


def _exported(net: Net, form: str, path: Path) -> ExportedFile:
    return get_exporter(form).export(net, net.spec, path, options=SINGLE)


def _quantized(net: Net, form: str, path: Path, seed: int) -> dict[str, ExportedFile]:
    """The whole network in int8, and with h-swish in float where that gives another file."""
    images = generator(seed, "pictures").standard_normal((PICTURES, 3, *net.spec.resolution), dtype=np.float32)
    with tempfile.TemporaryDirectory(prefix="edgesmith-") as work:
        opened = open_quantizer(form, net, net.spec, Calibration(images=images), Path(work))
        files = {WHOLE: opened.write(path.with_stem(f"{path.stem}-int8"), QuantPlan())}
        if Kind.HARD_SWISH in get_quantizer(form).kinds and has_swish(net.spec):
            plan = QuantPlan(float_kinds=(Kind.HARD_SWISH,))
            other = opened.write(path.with_stem(f"{path.stem}-int8-swish"), plan)
            if other.sha256 != files[WHOLE].sha256:
                files[SWISH_FLOAT] = other
    return files


def has_swish(spec: NetSpec) -> bool:
    """Whether any block has h-swish."""
    return any(getattr(block, "activation", None) is Activation.HARD_SWISH for block in spec.blocks)


def _stem(entry: Entry, seed: int) -> str:
    return f"{model_hash(entry.spec)}{'-plain' * entry.plain}-seed{seed}"


def _record(entry: Entry, kind: str, folder: Path, seed: int) -> Path:
    return folder / f"{_stem(entry, seed)}-{kind.replace(':', '-')}.json"
