"""A step's proposals: each tuned and scored, measured where there is time, and told as a line of the step table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.spec import model_hash
from edgesmith.core.files import read_json, write_json
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.recipes.net_forms import deployed
from edgesmith.recipes.netadapt.ground import Ground, Place
from edgesmith.recipes.netadapt.plan import StepPlan
from edgesmith.recipes.netadapt.trial import Trial, run_trial, short
from edgesmith.search.netadapt import Proposal

# Enough for a table; what is chosen is measured for longer.
TABLE: Final = Plan(load_s=0.05, warmup_s=0.05, min_loads=3, enough_loads=3, max_loads=3, limit_s=1.0)


def trials_of(
    ground: Ground, number: int, place: Place, proposals: Sequence[Proposal], plan: StepPlan, folder: Path
) -> list[Trial]:
    """What is to be done for each proposal; by absolute paths, which hold wherever a worker was started.

    Args:
        ground: Of the walk.
        number: Of the step, from 1.
        place: The network before.
        proposals: Narrower networks.
        plan: Of the step.
        folder: Of the step.
    """
    weights = place.bundle.folder / place.bundle.manifest.weights.path
    return [
        Trial(
            spec=proposal.spec,
            before=place.spec,
            weights=weights.absolute(),
            out=(folder / "trials" / f"{index:02d}.json").absolute(),
            config=replace(short(ground.base, plan.pictures), seed=ground.config.seed + number),
            rule=ground.rule,
            data=ground.data,
            seed=ground.config.seed,
            maker=maker_for(ground.device.format) if plan.measured else None,
        )
        for index, proposal in enumerate(proposals)
    ]


def try_all(
    ground: Ground, number: int, proposals: Sequence[Proposal], trials: Sequence[Trial]
) -> list[dict[str, Any]]:
    """The answers of all proposals of a step; those of an earlier process are read."""
    waiting = [trial for trial in trials if not trial.out.is_file()]
    title = f"step {number}: {len(proposals)} proposals"
    with ground.progress.stage(title, len(trials), "proposals") as stage:
        stage.advance(len(trials) - len(waiting))
        for done in ground.executor.run(run_trial, waiting):
            if done.failure is not None:
                trial = waiting[done.number]
                name = proposals[trials.index(trial)].describe()
                ground.progress.note(f"step {number}: {name} is left out: {done.failure}")
                write_json(trial.out, {"failure": done.failure})
            stage.advance()
    return [read_json(trial.out) for trial in trials]


def measure_tuned(place: Place, trials: Sequence[Trial], ground: Ground) -> dict[str, float]:
    """Latency of each proposal that was tuned, in one session with the network before.

    Their files were made where they were tuned.

    Args:
        place: The network before.
        trials: Of all proposals, in order.
        ground: Of the walk.

    Returns:
        By the proposal's number, as JSON has it: milliseconds of the session that measured the seed first.
    """
    made = {index: trial.file for index, trial in enumerate(trials) if trial.file is not None and trial.file.is_file()}
    if not made:
        return {}
    maker = maker_for(ground.device.format)
    before = next(iter(made.values())).with_name(f"before{maker.suffix}")
    if not before.is_file():
        maker(deployed(place.spec), before)
    files = {"before": before, **{str(index): file for index, file in made.items()}}
    subjects = [Subject(name=name, files={ground.device.format: file}) for name, file in files.items()]
    first, *rest = measure(subjects, [ground.device], plan=TABLE, progress=ground.progress).latency
    return {each.name: place.ms * each.ms / first.ms for each in rest}


def row_of(number: int, index: int, proposal: Proposal, answer: Mapping[str, Any]) -> dict[str, Any]:
    """A proposal's line of the step table, as JSON values."""
    failure = answer.get("failure")
    return {
        "step": number,
        "proposal": index,
        "model_hash": model_hash(deployed(proposal.spec)),
        "kind": proposal.width.kind.value,
        "change": proposal.width.name,
        "channels": proposal.width.channels,
        "to_channels": proposal.channels,
        "predicted_ms": proposal.ms,
        "measured_ms": None,
        "accuracy": answer.get("accuracy"),
        "pictures": answer.get("pictures", 0),
        "seconds": answer.get("seconds", 0.0),
        "latency": [],
        "accepted": False,
        "note": "" if failure is None else f"left out: {failure}",
    }
