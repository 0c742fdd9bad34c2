"""The bundle of each step, and its file measured beside those of the seed and of the step before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.spec import model_hash
from edgesmith.core.config import to_dict
from edgesmith.core.progress import SILENT, Progress
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.formats import ONNX
from edgesmith.devices.base import Device
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Latency, Measurement
from edgesmith.nn.build import Net
from edgesmith.recipes.model_files import MAIN_STEM, bundle_file, export_checked
from edgesmith.recipes.net_forms import as_deployed
from edgesmith.recipes.netadapt.ground import Ground
from edgesmith.recipes.netadapt.trial import held_out
from edgesmith.recipes.parity_pictures import first_crops
from edgesmith.recipes.product import make_bundle, score_file
from edgesmith.runtimes.table import runtime_for

HELD: Final = "held-out fifth of train"
PAIRED: Final = Plan(load_s=0.06, warmup_s=0.1, min_loads=4, enough_loads=8, max_loads=24, limit_s=8.0)
# Goes on until the ratio is known to a per cent, on a noisy machine for a minute.
LONG: Final = Plan(limit_s=60.0, min_loads=20, enough_loads=40, max_loads=240)


@dataclass(frozen=True, kw_only=True)
class Paired:
    """One file's latency, and how it stands to others of the same session.

    Attributes:
        latency: The file's own.
        to_seed: Its latency over the seed's.
        low: Lower end of the 99 % paired interval of ``to_seed``.
        high: Upper end.
        to_before: Its latency over that of the network before, which at first is the seed.
    """

    latency: Latency
    to_seed: float
    low: float
    high: float
    to_before: float

    def to_json(self) -> dict[str, Any]:
        """What the run folder keeps."""
        return to_dict(self)


def measure_paired(
    bundles: Sequence[Bundle], device: Device, *, plan: Plan = PAIRED, progress: Progress = SILENT
) -> tuple[Paired, Measurement]:
    """Measure a bundle's file side by side with others.

    Args:
        bundles: The one that it is about, the one before it if there is one, and the seed's last.
        device: Where.
        plan: How long and how precisely.
        progress: Told of each stage.
    """
    subjects = [Subject(name=each.manifest.name, files={device.format: _file(each, device.format)}) for each in bundles]
    found = measure(subjects, [device], plan=plan, progress=progress)
    to_before, to_seed = found.comparisons[0], found.comparisons[len(bundles) - 2]
    paired = Paired(
        latency=found.latency[0],
        to_seed=to_seed.ratio,
        low=to_seed.low,
        high=to_seed.high,
        to_before=to_before.ratio,
    )
    bundles[0].add_latency(found.records()[:1])
    return paired, found


def step_bundle(
    net: Net, ground: Ground, folder: Path, *, name: str, facts: Mapping[str, Any]
) -> tuple[Bundle, dict[str, Any]]:
    """Export a step's network, compare, score the file on held-out pictures, and write its bundle.

    Args:
        net: In evaluation mode.
        ground: Of the walk.
        folder: Takes ``bundle``.
        name: Of the bundle, before the hash of the network.
        facts: What the bundle says of the step.

    Returns:
        The bundle with the file's ``accuracy`` and its ``interval``.
    """
    config, net = ground.config, as_deployed(net)
    crops = held_out(ground.data, config.seed, ground.rule, ground.base.cache_gb)
    path = folder / "export" / f"{MAIN_STEM}{ONNX.suffix}"
    file = export_checked(net, ONNX, path, first_crops(crops))
    score = score_file(runtime_for(ONNX.suffix).load(path), ground.task, crops, split=HELD, seed=config.seed)
    bundle = make_bundle(
        folder / "bundle",
        net,
        score,
        [file],
        name=f"{name}-{model_hash(net.spec)[:6]}",
        material=ground.material,
        provenance={"data": ground.material.facts(), "seed": config.seed, "netadapt": dict(facts)},
    )
    key, metrics = ground.task.score_name, score.evaluation.metrics
    return bundle, {
        "accuracy": float(metrics[key]),
        "interval": [float(metrics[f"{key}_low"]), float(metrics[f"{key}_high"])],
    }


def _file(bundle: Bundle, kind: str) -> Path:
    return bundle.folder if kind == "torch" else bundle_file(bundle, kind)[1]
