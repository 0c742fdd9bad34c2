"""What is known of one candidate of a run: its network, its training, its scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import EdgesmithError
from edgesmith.core.files import read_json
from edgesmith.engine.log import EVENTS_NAME
from edgesmith.recipes.run_folder import STAGES_NAME
from edgesmith.report.content import CandidateRow, FitReport, Outcome
from edgesmith.web.places import file_inside, files_inside


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate.

    Attributes:
        number: As in the plot, from 1.
        spec: Its network; None where the run's files do not hold it.
        trainings: Logs of its trainings with what they were, the last one last.
        is_winner: Whether the report's figures are its own.
    """

    number: int
    row: CandidateRow
    spec: NetSpec | None
    trainings: tuple[tuple[str, Path], ...]
    is_winner: bool


def find_candidate(run: Path, report: FitReport, number: int) -> Candidate | None:
    """The candidate of that number; None where there is none."""
    if not 1 <= number <= len(report.candidates):
        return None
    row = report.candidates[number - 1]
    is_winner = row.outcome is Outcome.WINNER
    spec = _spec_of(run, row.name)
    races = _races(run, spec) if spec is not None else []
    last = file_inside(run, f"train/{EVENTS_NAME}")
    whole = [("the whole training", last)] if is_winner and last is not None else []
    return Candidate(number=number, row=row, spec=spec, trainings=(*races, *whole), is_winner=is_winner)


def _races(run: Path, spec: NetSpec) -> list[tuple[str, Path]]:
    logs = files_inside(run, f"race/*-{model_hash(spec)}/{EVENTS_NAME}")
    return [(f"race, round {int(log.parent.name.partition('-')[0]) + 1}", log) for log in logs]


def _spec_of(run: Path, name: str) -> NetSpec | None:
    """Its spec from the stages of the run, else from the zoo."""
    for data in _specs_in(run):
        try:
            spec = NetSpec.from_json(data)
        except (EdgesmithError, KeyError, TypeError, ValueError, AttributeError):
            continue
        if spec.name == name:
            return spec
    try:
        return find(name)
    except EdgesmithError:
        return None


def _specs_in(run: Path) -> Iterator[dict[str, Any]]:
    """Everything in the stages' results that may be a network."""
    for path in files_inside(run, f"{STAGES_NAME}/*.json"):
        try:
            waiting = [read_json(path)]
        except EdgesmithError:
            continue
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict) and "blocks" in value and "head" in value:
                yield value
            elif isinstance(value, dict | list):
                waiting += value.values() if isinstance(value, dict) else value
