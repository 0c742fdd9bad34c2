"""NetAdapt's story as the plain values of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.cost import count_total
from edgesmith.deploy.bundle import Bundle
from edgesmith.devices.results import Measurement
from edgesmith.engine.train import TrainResult
from edgesmith.recipes.netadapt.ground import Ground, Place
from edgesmith.recipes.netadapt.products import Paired
from edgesmith.recipes.product import Score
from edgesmith.recipes.report_base import Trained, as_latency, base_report, held_accuracy
from edgesmith.report import content, summary_lines, write
from edgesmith.tasks.figures import figure_for

STEPS: Final = "step-"
STAGES: Final[Mapping[str, str]] = {
    "seed": "measure the seed and the narrowest net",
    "law": "time blocks",
    "speed": "time training",
    "tune": "tune on the data",
    STEPS: "steps",
    "border-": "measure again at the border of the budget",
    "long": "train for long",
    "finish": "export, score, measure",
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that happened.

    Attributes:
        ground: Of the walk.
        budget_ms: As the final session has it.
        rows: Every proposal.
        places: The tuned seed and every accepted step.
        bundle: The final bundle.
        result: The long training.
        score: The final file on the evaluation split.
        paired: The final file beside the seed's.
        measurement: That session.
        num_held: Held-out pictures.
    """

    ground: Ground
    budget_ms: float
    rows: Sequence[Mapping[str, Any]]
    places: Sequence[Place]
    bundle: Bundle
    result: TrainResult
    score: Score
    paired: Paired
    measurement: Measurement
    num_held: int
    forecast_s: float


def write_report(story: Story, path: Path) -> tuple[str, ...]:
    """Write ``report.html`` and return its summary for a terminal."""
    report = tell(story)
    write(report, path)
    return tuple(summary_lines(report))


def sizes_of(story: Story) -> dict[str, dict[str, Any]]:
    """Costs of the tuned seed and of the final network."""
    seed, final = story.places[0].bundle, story.bundle
    seed_ms = story.paired.latency.ms / story.paired.to_seed
    return {"seed": _size(seed, seed_ms), "final": _size(final, story.paired.latency.ms)}


def tell(story: Story) -> content.FitReport:
    """The report's content."""
    ground, manifest = story.ground, story.bundle.manifest
    base = base_report(
        Trained(
            name=manifest.spec.name,
            data=ground.config.data,
            seed=ground.config.seed,
            material=ground.material,
            bundle=story.bundle,
            file=manifest.files[0],
            result=story.result,
            score=story.score,
            measurement=story.measurement,
        ),
        budget_ms=round(story.budget_ms, 4),
        latency=_latency(story),
        candidates=tuple(_candidate(story, number, place) for number, place in enumerate(story.places)),
    )
    return replace(
        base,
        stages=_stages(ground, story.forecast_s),
        forecast_s=story.forecast_s,
        repeat=repeat_of(ground),
        next_steps=_next_steps(story),
        verb="netadapt",
        proposals=tuple(_proposal(row) for row in story.rows),
        sizes=tuple(content.SizeRow(name=name, **values) for name, values in sizes_of(story).items()),
    )


def _size(bundle: Bundle, ms: float) -> dict[str, Any]:
    cost = count_total(bundle.manifest.spec)
    return {
        "parameters": cost.parameters,
        "madds": cost.madds,
        "file_size_bytes": bundle.manifest.files[0].bytes,
        "ms": ms,
    }


def _latency(story: Story) -> content.Latency:
    """With the interval that decides: for a share of the seed's latency, the paired one."""
    latency, paired = as_latency(story.paired.latency), story.paired
    if "x" not in story.ground.config.budget:
        return latency
    seed_ms = latency.ms / paired.to_seed
    return replace(latency, low_ms=seed_ms * paired.low, high_ms=seed_ms * paired.high)


def _candidate(story: Story, number: int, place: Place) -> content.CandidateRow:
    cost, is_last = count_total(place.spec), number == len(story.places) - 1
    change = next(
        (_change(row) for row in story.rows if row["accepted"] and row["bundle"] in str(place.bundle.folder)), ""
    )
    return content.CandidateRow(
        name=place.bundle.manifest.name,
        outcome=content.Outcome.WINNER if is_last else content.Outcome.STEP,
        reason=change or "the network as it was, tuned on the data",
        madds=cost.madds,
        parameters=cost.parameters,
        latency=content.Latency(
            ms=place.ms, low_ms=2 * place.ms - place.high_ms, high_ms=place.high_ms, device=story.ground.device.name
        ),
        accuracy=held_accuracy(
            place.accuracy, place.interval, num_held=story.num_held, metric=figure_for(story.ground.task.name).label
        ),
        num_pictures_trained=sum(row["pictures"] for row in story.rows if row["accepted"]) if is_last else 0,
    )


def _proposal(row: Mapping[str, Any]) -> content.ProposalRow:
    is_unmeasured = row["accuracy"] is not None and row["measured_ms"] is None
    return content.ProposalRow(
        step=row["step"],
        change=_change(row),
        predicted_ms=row["predicted_ms"],
        measured_ms=row["measured_ms"],
        accuracy=row["accuracy"],
        accepted=row["accepted"],
        note=row["note"] or ("not chosen; there was no time to measure it" if is_unmeasured else ""),
    )


def _change(row: Mapping[str, Any]) -> str:
    return f"{row['change']}: {row['channels']} to {row['to_channels']}"


def _stages(ground: Ground, forecast_s: float) -> tuple[content.StageTime, ...]:
    """What each part took; the steps were thought to take what the whole run's forecast leaves them."""
    times = {prefix: ground.stages.times(prefix) for prefix in STAGES}
    thought = {prefix: forecast for prefix, (forecast, _) in times.items()}
    thought[STEPS] = max(0.0, forecast_s - sum(forecast for prefix, forecast in thought.items() if prefix != STEPS))
    return tuple(
        content.StageTime(name=STAGES[prefix], forecast_s=thought[prefix], actual_s=actual)
        for prefix, (_, actual) in times.items()
        if actual
    )


def repeat_of(ground: Ground) -> tuple[content.Command, ...]:
    """The whole run as a command line."""
    config = ground.config
    parts = [f"edgesmith netadapt {config.model} {config.data} --budget {config.budget} --device {config.device}"]
    parts.append(f"--seed {config.seed} --rule {config.rule} --schedule {config.schedule} --weights {config.weights}")
    parts.append(f"--multiple {config.multiple}")
    parts.append(f"--time {config.time}" if config.time else f"--effort {config.effort}")
    parts += [f"--delta {config.delta}"] * (config.delta is not None)
    parts += [f"--steps-pictures {config.steps_pictures}"] * (config.steps_pictures is not None)
    parts += ["--from-scratch"] * config.from_scratch
    parts += [f"--recipe {config.recipe}"] * (config.recipe is not None)
    parts += [f"--resolution {config.resolution}"] * (config.resolution is not None)
    parts += [f"--teacher {config.teacher}"] * (config.teacher is not None)
    parts += [f"--set {setting}" for setting in config.settings]
    return (content.Command(text=" ".join(parts), purpose="the whole run"),)


def _next_steps(story: Story) -> tuple[content.Command, ...]:
    bundle, steps = story.bundle.folder, story.ground.folder / "steps"
    return (
        content.Command(text=f"edgesmith predict {bundle} PICTURE.jpg", purpose="try a picture"),
        content.Command(
            text=f"edgesmith measure {bundle} {steps / '00' / 'bundle'}", purpose="set it against the tuned seed"
        ),
    )
