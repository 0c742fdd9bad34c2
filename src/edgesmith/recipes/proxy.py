"""A candidate tried by a short training on part of train, at a smaller resolution: what a search does many times."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import torch

from edgesmith.arch.cost import count_total
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.parts import shape_of
from edgesmith.arch.space.presets import SEEDS, backbones_of
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError, WeightsError
from edgesmith.data.evaluation import Crops
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.data.samples import Sample
from edgesmith.data.split import hold_out
from edgesmith.engine.config import TrainConfig
from edgesmith.engine.speed import measure_speed
from edgesmith.engine.train import train
from edgesmith.nn.build import Net
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.int8_candidates import NUM_CALIBRATION, Int8
from edgesmith.recipes.material import CACHE_GB, Material, open_material
from edgesmith.recipes.models import CLASSIFICATION
from edgesmith.recipes.net_forms import trainable
from edgesmith.recipes.start import Start, Starts
from edgesmith.recipes.train import named_recipe, task_of
from edgesmith.search.candidates import NETS
from edgesmith.search.cost_model import CostModel
from edgesmith.search.supernet.active import settle_norms_

# Told of a candidate where its task has it; nothing goes by it.
_BESIDE: Final = ("log_loss",)
_STEP: Final = 16
_LEAST: Final = 32


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How candidates are trained for a little; plain values, so that other processes and machines can do it.

    Attributes:
        space: Whose points are tried.
        data: As DATA of the command line.
        weights: As ``--weights``; candidates take over what fits.
        recipe: Name of the training recipe.
        settings: Its settings.
        pictures: That each candidate is trained on.
        scale: Of the candidate's resolution.
        seed: Decides the held-out part, weights, order and augmentation.
        int8: How candidates become int8 files, whose accuracy then counts; None for float files.
        subset: Share of the pictures to train on that candidates draw from, class by class.
    """

    space: StagedSpace
    data: str
    weights: str
    recipe: str
    settings: tuple[str, ...]
    pictures: int
    scale: float
    seed: int
    int8: Int8 | None = None
    subset: float = 1.0

    @property
    def bench(self) -> Bench:
        """What all trials of this process share."""
        recipe = named_recipe(self.recipe, self.settings, spec=find(NETS[0]), seed=self.seed)
        return open_bench(self.data, self.seed, self.weights, recipe.cache_gb)

    def begin(self, point: Encoding) -> tuple[Net, Preprocessing]:
        """A point's net with its first weights at the proxy's resolution, and the rule for its pictures."""
        bench = self.bench
        return begin_point(self.space, point, bench.starts, bench.material, scale=self.scale, seed=self.seed)

    def config(self, spec: NetSpec) -> TrainConfig:
        """The recipe of a network at the proxy's resolution, in one thread and on so many pictures."""
        base = named_recipe(self.recipe, self.settings, spec=spec, seed=self.seed)
        config = replace(
            base,
            pictures=self.pictures,
            replicas=1,
            workers=0,
            evaluate_every_pictures=None,
        )
        bench = self.bench
        start, classes = start_for(self.space, bench.starts), bench.material.dataset.classes
        return start.recipe(config, spec, self.settings, classes=classes)

    def int8_seconds(self, point: Encoding) -> float:
        """What a candidate's int8 file takes beside its training, score included; 0 for float files."""
        if self.int8 is None:
            return 0.0
        bench = self.bench
        net, rule = self.begin(point)
        crops = bench.crops(rule)
        settle_norms_(net, (torch.from_numpy(batch.images) for batch in batches_of(bench.calibration(rule))))
        begun = time.monotonic()
        task = task_of(bench.material, self.config(net.spec), net.spec)
        self.int8.score(net, bench.calibration(rule), crops, task, seed=self.seed)
        return time.monotonic() - begun

    def score(self, point: Encoding) -> Mapping[str, float]:
        """Train a point's network for a little; its task's figure on the held-out part, with its interval."""
        bench = self.bench
        net, rule = self.begin(point)
        config = self.config(net.spec)
        crops = bench.crops(rule)
        task = task_of(bench.material, config, net.spec)
        result = train(
            net,
            task,
            bench.material.loader(bench.drawn_from(self.subset), config, rule),
            config,
            spec=net.spec.to_json(),
            resolution=net.spec.resolution,
            held_out=lambda: batches_of(crops),
        )
        evaluation = result.evaluation
        if self.int8 is not None:
            evaluation = self.int8.score(net.eval(), bench.calibration(rule), crops, task, seed=self.seed)
        assert evaluation is not None, "held-out pictures are scored"
        metrics = evaluation.metrics
        return {
            "accuracy": float(metrics[task.score_name]),
            "low": float(metrics[f"{task.score_name}_low"]),
            "high": float(metrics[f"{task.score_name}_high"]),
            "pictures": float(result.pictures),
            **{name: float(metrics[name]) for name in _BESIDE if name in metrics},
        }

    def speed(self, point: Encoding, *, steps: int = 6) -> float:
        """Pictures a second that a point's network trains at here, from a few steps."""
        bench = self.bench
        net, rule = self.begin(point)
        config = self.config(net.spec)
        loader = bench.material.loader(bench.split[0], config, rule)
        return measure_speed(
            net, task_of(bench.material, config, net.spec), loader, config, resolution=net.spec.resolution, steps=steps
        )


@dataclass(frozen=True, kw_only=True)
class Proxy(Probe):
    """How candidates are tried: a short training, its accuracy, and what the network costs.

    Attributes:
        latency: Estimates milliseconds.
    """

    latency: CostModel

    def __call__(self, point: Encoding) -> Mapping[str, float]:
        """Train a point's network for a little; its score, and what it costs."""
        return {**self.score(point), **cost_numbers(self.space.decode(point), self.latency)}


def cost_numbers(spec: NetSpec, latency: CostModel) -> dict[str, float]:
    """What a network costs: estimated ``ms``, ``parameters``, ``madds``, and ``peak_bytes`` of its activations."""
    cost = count_total(spec)
    return {
        "ms": latency.estimate_ms(spec),
        "parameters": float(cost.parameters),
        "madds": float(cost.madds),
        "peak_bytes": float(cost.peak_bytes),
    }


class Bench:
    """What all trials of a process share: decoded pictures, held-out crops, trained weights.

    Args:
        material: The opened set.
        starts: What candidates begin with.
        seed: Decides which pictures of train are held out: ``split`` has those to train on, then the held-out ones.
    """

    def __init__(self, material: Material, starts: Starts, *, seed: int) -> None:
        self.material, self.starts = material, starts
        self.split = material.parted(seed)
        self._seed = seed
        self._crops: dict[tuple[str, Preprocessing], Crops] = {}

    def drawn_from(self, subset: float) -> Sequence[Sample]:
        """The pictures to train on, or a share of them, class by class."""
        rest = self.split[0]
        return rest if subset == 1 else hold_out(rest, subset, seed=self._seed)[1]

    def crops(self, rule: Preprocessing) -> Crops:
        """The held-out pictures under a rule, cut once."""
        return self._cut("held out", self.split[1], rule)

    def calibration(self, rule: Preprocessing) -> Crops:
        """Some pictures to train on under a rule, which set the ranges of int8 files, cut once."""
        return self._cut("calibration", self.split[0][:NUM_CALIBRATION], rule)

    def _cut(self, what: str, samples: Sequence[Sample], rule: Preprocessing) -> Crops:
        if (what, rule) not in self._crops:
            self._crops[what, rule] = self.material.crops(samples, rule)
        return self._crops[what, rule]


@lru_cache(maxsize=1)
def open_bench(data: str, seed: int, weights: str, cache_gb: float = CACHE_GB) -> Bench:
    """The bench of this process; its pictures are decoded at the first trial."""
    material = open_material(data, seed=seed, cache_gb=cache_gb)
    return Bench(material, Starts(weights, material=material), seed=seed)


def begin_point(
    space: StagedSpace, point: Encoding, starts: Starts, material: Material, *, scale: float = 1.0, seed: int
) -> tuple[Net, Preprocessing]:
    """A point's net with its first weights, and the rule for its pictures.

    Trained weights of a network that is in the space too, but for its number of classes, are taken over layer by
    layer: a layer that the other network has not takes the last one of its stage.

    Args:
        space: Of the point.
        point: The candidate.
        starts: What it begins with.
        material: The set it is trained on.
        scale: Of its resolution.
        seed: Of what begins anew.
    """
    spec = space.decode(point)
    start = start_for(space, starts)
    spec = start.spec(scaled(spec, scale))
    blocks = None if start.origin is None else kin(space, start.origin.spec, point)
    return start.begin(spec, material, seed=seed, blocks=blocks)


def start_for(space: StagedSpace, starts: Starts) -> Start:
    """What networks of a space begin with: the weights that were named, or those of the zoo's network in it."""
    if starts.origin is not None or space.name not in SEEDS:
        return starts.of(space.decode((0,) * len(space.choices)))
    return starts.of(find(SEEDS[space.name]))


def kin(space: StagedSpace, origin: NetSpec, point: Encoding) -> tuple[int, ...]:
    """For each block of a point's network the block of an origin that fills it.

    Raises:
        WeightsError: The origin is not a network of the space.
    """
    frame, home, head = space.frame, space, trainable(origin).head
    if frame.ending is not None and head.task == CLASSIFICATION:
        home, head = backbones_of(space), Classifier()  # a backbone fills backbones, whatever their heads
    alike = replace(
        origin.with_resolution(*shape_of(frame.resolutions[0])),
        head=head,
        num_classes=frame.num_classes,
        padding=frame.padding,
        preset=frame.preset,
    )
    try:
        places = home.layers(home.encode(alike))
    except SpecError as error:
        raise WeightsError(
            f"the weights of {origin.name} do not fit the space {space.name} ({error}); begin with --weights none, "
            "or search around that network"
        ) from None
    first = {place: number for number, place in reversed(list(enumerate(places)))}
    last = {stage: max(index for other, index in places if other == stage) for stage, _ in places}
    return tuple(first[stage, min(index, last[stage])] for stage, index in space.layers(point))


def scaled(spec: NetSpec, scale: float) -> NetSpec:
    """The network at a share of its resolution, in steps of 16 pixels; never above its own."""
    sides = [min(side, max(_LEAST, round(side * scale / _STEP) * _STEP)) for side in spec.resolution]
    return spec.with_resolution(*sides)
