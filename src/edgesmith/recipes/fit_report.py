"""A fit's story as the plain values of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec
from edgesmith.deploy.base import INT8
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.manifest import FileRecord
from edgesmith.devices.results import Latency, Measurement
from edgesmith.engine.train import TrainResult
from edgesmith.recipes.candidates import Choice, Measured
from edgesmith.recipes.fit_commands import next_steps, repeat
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_race import Race
from edgesmith.recipes.material import Material
from edgesmith.recipes.net_blocks import tell_networks
from edgesmith.recipes.product import Score
from edgesmith.recipes.report_base import HELD_OUT, Trained, as_latency, base_report
from edgesmith.recipes.run_folder import Stages
from edgesmith.recipes.search_report import front_specs, tell_search
from edgesmith.recipes.search_result import Search
from edgesmith.report import content, summary_lines, write
from edgesmith.report.plotted import SearchFacts
from edgesmith.search.race import Standing
from edgesmith.tasks.figures import figure_for


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a fit did until it had a winner.

    Attributes:
        forecast_s: What all of it was to take, as it was said before anything was done.
        told: Outcome and reason of networks that a race does not explain, by name.
    """

    config: FitConfig
    budget_ms: float
    material: Material
    choice: Choice
    search: Search | None
    contenders: Sequence[Measured]
    race: Race
    stages: Stages
    plan: Mapping[str, Any]
    forecast_s: float
    told: Mapping[str, tuple[content.Outcome, str]] = field(default_factory=dict)

    @property
    def num_held(self) -> int:
        """Pictures of train that races are scored on."""
        return len(self.material.parted(self.config.seed)[1])


@dataclass(frozen=True, kw_only=True)
class Story(Course):
    """All that happened in a fit."""

    bundle: Bundle
    result: TrainResult
    score: Score
    latency: Latency
    measurement: Measurement


def write_report(story: Story, path: Path) -> tuple[str, ...]:
    """Write ``report.html`` and return its summary for a terminal."""
    report = tell(story)
    write(report, path)
    return tuple(summary_lines(report))


def tell(story: Story) -> content.FitReport:
    """The report's content."""
    base = base_report(
        Trained(
            name=story.race.winner,
            data=story.config.data,
            seed=story.config.seed,
            material=story.material,
            bundle=story.bundle,
            file=_record(story),
            result=story.result,
            score=story.score,
            measurement=story.measurement,
        ),
        budget_ms=story.budget_ms,
        latency=as_latency(story.latency),
        candidates=_candidates(story),
    )
    return replace(
        base,
        verb=story.config.verb,
        search=_told_search(story),
        networks=tell_networks(_shown(story), story.latency.device),
        stages=_stages(story.stages),
        forecast_s=story.forecast_s,
        repeat=(repeat(story.config),),
        next_steps=next_steps(story.bundle.folder, story.config),
    )


def tell_narrowed(course: Course, narrowed: content.FitReport, bundle: Path) -> content.FitReport:
    """The content where NetAdapt narrowed the winner: its own report, with all that came before.

    Args:
        course: What the fit did until then.
        narrowed: NetAdapt's report.
        bundle: Where the final bundle is now.
    """
    raced = [
        replace(row, outcome=content.Outcome.STEP, reason=f"{row.reason}; narrowed by NetAdapt")
        if row.outcome is content.Outcome.WINNER
        else row
        for row in _candidates(course)
    ]
    return replace(
        narrowed,
        verb=course.config.verb,
        model=replace(narrowed.model, file_path=str(bundle / Path(narrowed.model.file_path).name)),
        candidates=(*raced, *narrowed.candidates),
        search=_told_search(course),
        networks=(*tell_networks(_shown(course), narrowed.latency.device), *narrowed.networks),
        stages=_stages(course.stages),
        forecast_s=course.forecast_s,
        repeat=(repeat(course.config),),
        next_steps=next_steps(bundle, course.config),
    )


def _shown(course: Course) -> list[tuple[str, NetSpec]]:
    """The networks that the report draws: those that raced, and the search's front."""
    known = (*course.race.standings, course.race.winner)
    raced = [each.spec for each in course.contenders if each.spec.name in known]
    front = [] if course.search is None else front_specs(course.search)
    return [(spec.name, spec) for spec in (*raced, *front)]


def _told_search(course: Course) -> SearchFacts | None:
    return None if course.search is None else tell_search(course.search, course.budget_ms, course.num_held)


def _record(story: Story) -> FileRecord:
    """The file that the device takes: an int8 one on a device of int8 files, else the first."""
    files = story.bundle.manifest.files
    if not story.config.target.is_int8:
        return files[0]
    return next(file for file in files if file.precision == INT8)


def _candidates(story: Course) -> tuple[content.CandidateRow, ...]:
    rows = [
        _row(spec, content.Outcome.TOO_COSTLY, f"its cost suggests {ms:.2f} ms", estimated_ms=ms)
        for spec, ms in story.choice.too_costly
    ]
    searched = () if story.search is None else story.search.too_slow
    for each in (*story.choice.too_slow, *searched):
        reason = f"measured up to {each.latency.high_ms:.2f} ms, too near or above the budget"
        rows.append(_row(each.spec, content.Outcome.TOO_SLOW, reason, latency=each.latency))
    race = story.race
    for each in story.contenders:
        name = each.spec.name
        standing = race.standings.get(name)
        outcome, reason = story.told.get(name) or fate_of(name, race)
        accuracy = None if standing is None else _raced_accuracy(story, name, standing)
        pictures = race.pictures.get(name, 0)
        rows.append(_row(each.spec, outcome, reason, latency=each.latency, accuracy=accuracy, pictures=pictures))
    return tuple(rows)


def _raced_accuracy(story: Course, name: str, standing: Standing) -> content.Accuracy:
    figure, (low, high) = figure_for(story.material.dataset.task), story.race.intervals[name]
    return content.Accuracy(
        value=standing.score,
        low=low,
        high=high,
        num_images=story.num_held,
        pictures_from=HELD_OUT,
        metric=figure.label,
    )


def fate_of(name: str, race: Race) -> tuple[content.Outcome, str]:
    """What became of a contender, and why."""
    standing, last = race.standings.get(name), max((each.rung for each in race.standings.values()), default=0)
    if name == race.winner:
        only = "the only one that fits" if standing is None else "highest score in the last round"
        return content.Outcome.WINNER, only
    if standing is None:
        return content.Outcome.LEFT_OUT, f"there was time for {len(race.standings)} networks in the race"
    if standing.rung == last:
        return content.Outcome.RACED, "lower score in the last round"
    return content.Outcome.STOPPED, f"lower score in round {standing.rung + 1}"


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


def _stages(stages: Stages) -> tuple[content.StageTime, ...]:
    names = {
        "1-seed": "train the seed",
        "1-search": "search by the controller",
        "edits": "measure the hand edits",
        "2-netadapt": "NetAdapt",
        "ends": "measure the last network",
        "choose": "choose candidates",
        "search": "search",
        "speeds": "time training",
        "race": "race",
        "winner": "measure the winner again",
        "train": "train the winner",
        "adapt": "NetAdapt",
        "finish": "export, score, measure",
    }
    rows = []
    for prefix, title in names.items():
        forecast, actual = stages.times(prefix)
        if actual:
            rows.append(content.StageTime(name=title, forecast_s=forecast, actual_s=actual))
    return tuple(rows)
