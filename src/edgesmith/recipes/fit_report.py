"""A fit's story as the plain values of its report."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import edgesmith
from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.bootstrap import interval_of_share
from edgesmith.core.seed import generator
from edgesmith.deploy.base import INT8
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.manifest import FileRecord
from edgesmith.devices.cores import max_threads
from edgesmith.devices.results import Latency, Measurement
from edgesmith.engine.train import TrainResult
from edgesmith.recipes.candidates import Choice, Measured
from edgesmith.recipes.fit_commands import next_steps, repeat
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.material import HELD_FRACTION, Material
from edgesmith.recipes.mistakes import find_mistakes
from edgesmith.recipes.product import Score
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_report import tell_search
from edgesmith.recipes.search_result import Search
from edgesmith.report import content, plotted, summary_lines, write
from edgesmith.search.race import Standing

_MISTAKES: Final = 24


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that happened in a fit."""

    config: FitConfig
    budget_ms: float
    material: Material
    bundle: Bundle
    choice: Choice
    search: Search | None
    contenders: Sequence[Measured]
    winner: str
    standings: Mapping[str, Standing]
    raced_pictures: Mapping[str, int]
    result: TrainResult
    score: Score
    latency: Latency
    measurement: Measurement
    stages: Stages
    folder: Path

    @property
    def num_held(self) -> int:
        """Pictures of train that races are scored on."""
        return len(self.material.dataset.hold_out(HELD_FRACTION, seed=self.config.seed)[1])


def write_report(story: Story, path: Path) -> tuple[str, ...]:
    """Write ``report.html`` and return its summary for a terminal."""
    report = tell(story)
    write(report, path)
    return tuple(summary_lines(report))


def tell(story: Story) -> content.FitReport:
    """The report's content."""
    metrics, dataset = story.score.metrics(), story.material.dataset
    mistakes = find_mistakes(story.score, dataset.classes, with_thumbnail=_MISTAKES)
    problems = (*story.material.problems, *story.score.crops.problems)
    return content.FitReport(
        data=Path(story.config.data).name,
        created_at=datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        edgesmith_version=edgesmith.__version__,
        budget=content.Budget(latency_ms=story.budget_ms),
        model=_model(story),
        latency=as_latency(story.latency),
        accuracy=content.Accuracy(
            value=metrics["top1"],
            low=metrics["top1_low"],
            high=metrics["top1_high"],
            num_images=metrics["num_images"],
            pictures_from=story.score.split,
        ),
        classes=dataset.classes,
        candidates=_candidates(story),
        verb=story.config.verb,
        search=None if story.search is None else tell_search(story.search, story.budget_ms, story.num_held),
        panels=panels(story.result),
        class_scores=class_scores(story.score, dataset.classes, seed=story.config.seed),
        confusion=tuple(tuple(row) for row in metrics["confusion"]),
        mistakes=mistakes[:_MISTAKES],
        num_mistakes=len(mistakes),
        splits=tuple(
            content.SplitCount(split=split, counts=tuple(dataset.class_counts(split).values()))
            for split in dataset.splits
        ),
        problems=tuple(content.DataProblem(kind=p.kind, file=p.file, detail=p.detail) for p in problems),
        stages=_stages(story.stages),
        conditions=conditions(story.measurement),
        repeat=(repeat(story.config),),
        next_steps=next_steps(story.bundle.folder, story.config),
    )


def _model(story: Story) -> content.ModelFacts:
    spec = story.bundle.manifest.spec
    record, cost = _record(story), count_total(spec)
    return content.ModelFacts(
        name=story.winner,
        model_hash=model_hash(spec),
        parameters=cost.parameters,
        madds=cost.madds,
        height=spec.resolution[0],
        width=spec.resolution[1],
        file_path=str(story.bundle.path(record)),
        file_size_bytes=record.bytes,
        memory_bytes=cost.peak_bytes,
        parity=None if record.parity is None else record.parity.relative,
    )


def _record(story: Story) -> FileRecord:
    """The file that the device takes: an int8 one on a device of int8 files, else the first."""
    files = story.bundle.manifest.files
    if not story.config.target.is_int8:
        return files[0]
    return next(file for file in files if file.precision == INT8)


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


def _candidates(story: Story) -> tuple[content.CandidateRow, ...]:
    rows = [
        _row(spec, content.Outcome.TOO_COSTLY, f"its cost suggests {ms:.2f} ms", estimated_ms=ms)
        for spec, ms in story.choice.too_costly
    ]
    searched = () if story.search is None else story.search.too_slow
    for each in (*story.choice.too_slow, *searched):
        reason = f"measured up to {each.latency.high_ms:.2f} ms, too near or above the budget"
        rows.append(_row(each.spec, content.Outcome.TOO_SLOW, reason, latency=each.latency))
    last = max((standing.rung for standing in story.standings.values()), default=0)
    for each in story.contenders:
        standing = story.standings.get(each.spec.name)
        outcome, reason = _fate(each.spec.name == story.winner, standing, last)
        accuracy = None if standing is None else held_accuracy(standing.score, story.num_held)
        pictures = story.raced_pictures.get(each.spec.name, 0)
        rows.append(_row(each.spec, outcome, reason, latency=each.latency, accuracy=accuracy, pictures=pictures))
    return tuple(rows)


def _fate(is_winner: bool, standing: Standing | None, last: int) -> tuple[content.Outcome, str]:
    if is_winner:
        only = "the only one that fits" if standing is None else "highest score in the last round"
        return content.Outcome.WINNER, only
    if standing is not None and standing.rung == last:
        return content.Outcome.RACED, "lower score in the last round"
    return content.Outcome.STOPPED, f"lower score in round {1 if standing is None else standing.rung + 1}"


def _row(
    spec: NetSpec,
    outcome: content.Outcome,
    reason: str,
    *,
    latency: Latency | None = None,
    estimated_ms: float | None = None,
    accuracy: content.Accuracy | None = None,
    pictures: int = 0,
) -> content.CandidateRow:
    cost = count_total(spec)
    return content.CandidateRow(
        name=spec.name,
        outcome=outcome,
        reason=reason,
        madds=cost.madds,
        parameters=cost.parameters,
        latency=None if latency is None else as_latency(latency),
        estimated_ms=estimated_ms,
        accuracy=accuracy,
        num_pictures_trained=pictures,
    )


def held_accuracy(score: float, num_held: int) -> content.Accuracy:
    """A score on the held-out part of train, with its interval."""
    right = round(score * num_held)
    interval = interval_of_share([True] * right + [False] * (num_held - right), rng=generator(0, "race"))
    return content.Accuracy(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        num_images=num_held,
        pictures_from="held-out fifth of train",
    )


def panels(result: TrainResult) -> tuple[plotted.CurvePanel, ...]:
    """The curves of a training."""
    steps = [event for event in result.history if event["kind"] == "step" and event["loss"] is not None]
    xs = tuple(float(event["pictures"]) for event in steps)
    loss = plotted.Curve(label="training loss", xs=xs, ys=tuple(float(event["loss"]) for event in steps))
    rate = plotted.Curve(label="learning rate", xs=xs, ys=tuple(float(event["learning_rate"]) for event in steps))
    return (
        plotted.CurvePanel(title="Loss", curves=(loss,)),
        plotted.CurvePanel(title="Learning rate", curves=(rate,)),
    )


def class_scores(score: Score, classes: Sequence[str], *, seed: int) -> tuple[content.ClassScore, ...]:
    """Recall and precision of every class that has pictures."""
    labels, predicted = score.crops.labels, score.logits.argmax(axis=1)
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


def _stages(stages: Stages) -> tuple[content.StageTime, ...]:
    names = {
        "choose": "choose candidates",
        "search": "search",
        "speeds": "time training",
        "race": "race",
        "train": "train the winner",
        "finish": "export, score, measure",
    }
    rows = []
    for prefix, title in names.items():
        forecast, actual = stages.times(prefix)
        if actual:
            rows.append(content.StageTime(name=title, forecast_s=forecast, actual_s=actual))
    return tuple(rows)


def conditions(measurement: Measurement) -> content.Conditions:
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
        measured_at=datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        versions=(*facts["runtimes"].items(), ("edgesmith", edgesmith.__version__), ("python", facts["python"])),
    )
