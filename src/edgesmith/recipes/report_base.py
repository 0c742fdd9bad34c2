"""What the reports of all verbs say that end with one trained network."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import edgesmith
from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import model_hash
from edgesmith.core.bootstrap import interval_of_share
from edgesmith.core.seed import generator
from edgesmith.core.threads import max_threads
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.manifest import FileRecord
from edgesmith.devices.results import Latency, Measurement
from edgesmith.engine.train import TrainResult
from edgesmith.recipes.material import Material
from edgesmith.recipes.mistakes import find_mistakes
from edgesmith.recipes.product import Score
from edgesmith.recipes.worst_places import colours_of, place_scores, worst_boxes, worst_pictures
from edgesmith.report import content, plotted
from edgesmith.report.placed import PlaceWords
from edgesmith.tasks.figures import figure_of

HELD_OUT: Final = "held-out fifth of train"
_MISTAKES: Final = 24


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A network that was trained, exported, scored and measured.

    Attributes:
        name: What the report calls it.
        data: As DATA of the command line.
        seed: Of intervals.
        material: The opened set.
        bundle: Of the network.
        file: The file in it that counts.
        result: The training.
        score: That file on the evaluation split.
        measurement: Its latencies.
    """

    name: str
    data: str
    seed: int
    material: Material
    bundle: Bundle
    file: FileRecord
    result: TrainResult
    score: Score
    measurement: Measurement


def base_report(
    trained: Trained, *, budget_ms: float, latency: content.Latency, candidates: tuple[content.CandidateRow, ...]
) -> content.FitReport:
    """All but what is a verb's own.

    Args:
        trained: The network.
        budget_ms: The budget in milliseconds.
        latency: What counts against it.
        candidates: Every network considered.
    """
    metrics, dataset = trained.score.metrics(), trained.material.dataset
    figure = figure_of(metrics)
    assert figure is not None, "a trained network was scored"
    problems = (*trained.material.problems, *trained.score.crops.problems)
    base = content.FitReport(
        data=Path(trained.data).name,
        created_at=_now(),
        edgesmith_version=edgesmith.__version__,
        budget=content.Budget(latency_ms=budget_ms),
        model=_facts(trained),
        latency=latency,
        accuracy=content.Accuracy(
            value=metrics[figure.key],
            low=metrics[f"{figure.key}_low"],
            high=metrics[f"{figure.key}_high"],
            num_images=metrics["num_images"],
            pictures_from=trained.score.split,
            metric=figure.label,
        ),
        classes=dataset.classes,
        candidates=candidates,
        panels=_panels(trained.result),
        problems=tuple(content.DataProblem(kind=p.kind, file=p.file, detail=p.detail) for p in problems),
        conditions=_conditions(trained.measurement),
    )
    return _TELLERS[dataset.task](base, trained)


def _tell_classes(base: content.FitReport, trained: Trained) -> content.FitReport:
    """What a classifier's answers are like."""
    metrics, dataset = trained.score.metrics(), trained.material.dataset
    mistakes = find_mistakes(trained.score, dataset.classes, with_thumbnail=_MISTAKES)
    return replace(
        base,
        class_scores=_class_scores(trained.score, dataset.classes, seed=trained.seed),
        confusion=tuple(tuple(row) for row in metrics["confusion"]),
        mistakes=mistakes[:_MISTAKES],
        num_mistakes=len(mistakes),
        splits=tuple(
            content.SplitCount(split=split, counts=tuple(dataset.class_counts(split).values()))
            for split in dataset.splits
        ),
    )


def _tell_places(base: content.FitReport, trained: Trained) -> content.FitReport:
    """What a segmenter's answers are like."""
    classes = trained.material.dataset.classes
    return replace(
        base,
        place_scores=place_scores(trained.score),
        place_words=_PIXELS,
        overlays=worst_pictures(trained.score, len(classes), count=_MISTAKES // 2),
        colours=colours_of(classes),
    )


def _tell_boxes(base: content.FitReport, trained: Trained) -> content.FitReport:
    """What a detector's answers are like."""
    classes = trained.material.dataset.classes
    return replace(
        base,
        place_scores=place_scores(trained.score),
        place_words=_BOXES,
        overlays=worst_boxes(trained.score, classes, count=_MISTAKES // 2),
        colours=colours_of(classes),
    )


_PIXELS: Final = PlaceWords(
    value="Intersection over union",
    count="Pixels",
    note=(
        "Intersection over union: of the pixels that are of this class or were said to be, the share where both agree. "
        "The mean over the classes is mIoU."
    ),
)
_BOXES: Final = PlaceWords(
    value="Average precision",
    count="Boxes",
    note="Average precision: over overlaps from .50 to .95, as COCO has it. The mean over the classes is mAP.",
)
_TELLERS: Final[Mapping[str, Callable[[content.FitReport, Trained], content.FitReport]]] = MappingProxyType(
    {"classification": _tell_classes, "segmentation": _tell_places, "detection": _tell_boxes}
)


def as_latency(latency: Latency) -> content.Latency:
    """A measured latency as the report has it."""
    return content.Latency(
        ms=latency.ms,
        low_ms=latency.low_ms,
        high_ms=latency.high_ms,
        device=latency.device,
        threads=latency.fingerprint.threads,
        contended=latency.contended,
    )


def held_accuracy(value: float, interval: tuple[float, float], *, num_held: int, metric: str) -> content.Accuracy:
    """A score on the held-out part of train, with the ends of its interval and the figure's name."""
    low, high = interval
    return content.Accuracy(value=value, low=low, high=high, num_images=num_held, pictures_from=HELD_OUT, metric=metric)


def _facts(trained: Trained) -> content.ModelFacts:
    spec, file = trained.bundle.manifest.spec, trained.file
    cost = count_total(spec)
    return content.ModelFacts(
        name=trained.name,
        model_hash=model_hash(spec),
        parameters=cost.parameters,
        madds=cost.madds,
        height=spec.resolution[0],
        width=spec.resolution[1],
        file_path=str(trained.bundle.path(file)),
        file_size_bytes=file.bytes,
        memory_bytes=cost.peak_bytes,
        parity=None if file.parity is None else file.parity.relative,
    )


def _panels(result: TrainResult) -> tuple[plotted.CurvePanel, ...]:
    """The curves of a training."""
    steps = [event for event in result.history if event["kind"] == "step" and event["loss"] is not None]
    xs = tuple(float(event["pictures"]) for event in steps)
    loss = plotted.Curve(label="training loss", xs=xs, ys=tuple(float(event["loss"]) for event in steps))
    rate = plotted.Curve(label="learning rate", xs=xs, ys=tuple(float(event["learning_rate"]) for event in steps))
    return (
        plotted.CurvePanel(title="Loss", curves=(loss,)),
        plotted.CurvePanel(title="Learning rate", curves=(rate,)),
    )


def _class_scores(score: Score, classes: Sequence[str], *, seed: int) -> tuple[content.ClassScore, ...]:
    """Recall and precision of every class that has pictures."""
    labels, predicted = score.crops.labels, score.answers.argmax(axis=1)
    scores = []
    for index, row in enumerate(score.metrics()["per_class"]):
        right = predicted[labels == index] == index
        if not len(right):
            continue
        recall = interval_of_share(right, rng=generator(seed, "class", index))
        scores.append(
            content.ClassScore(
                name=classes[index],
                num_images=len(right),
                recall=recall.value,
                recall_low=recall.low,
                recall_high=recall.high,
                precision=row["precision"],
            )
        )
    return tuple(scores)


def _conditions(measurement: Measurement) -> content.Conditions:
    """Under what the first latency of a measurement was taken."""
    latency, facts = measurement.latency[0], measurement.to_dict()["conditions"]
    return content.Conditions(
        cpu=facts["cpu"],
        num_cores=max_threads(),
        threads=latency.fingerprint.threads,
        precision=latency.fingerprint.precision,
        load_average=facts["load"] or 0.0,
        contended=latency.contended,
        num_rounds=latency.rounds,
        measured_at=_now(),
        versions=(*facts["runtimes"].items(), ("edgesmith", edgesmith.__version__), ("python", facts["python"])),
    )


def _now() -> str:
    return datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
