"""NetAdapt's steps: proposals, their turns, the choice, and a measurement that the chosen one has to pass."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from safetensors.torch import load_file

from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.files import write_text
from edgesmith.deploy.bundle import open_bundle
from edgesmith.nn.build import build
from edgesmith.recipes.net_forms import trainable
from edgesmith.recipes.netadapt.config import RULES
from edgesmith.recipes.netadapt.ground import Ground, Place
from edgesmith.recipes.netadapt.latency import LatencyLaw
from edgesmith.recipes.netadapt.plan import Costs, StepPlan, plan_steps, shares_from
from edgesmith.recipes.netadapt.products import LONG, PAIRED, measure_paired, step_bundle
from edgesmith.recipes.netadapt.step_table import measure_tuned, row_of, trials_of, try_all
from edgesmith.recipes.netadapt.trial import FILES_NAME, Trial
from edgesmith.search.netadapt import Proposal, Tried, choose, limit_of, near, propose
from edgesmith.tasks.figures import figure_for

AIM: Final = 0.985  # of the budget: an interval has room above
FLOOR: Final = 0.97
_CLOSE: Final = 0.988
_BORDER: Final = 1.01
# Of the time left for the walk.
_BORDER_SHARE: Final = 0.1
_MOST_TRIES: Final = 4
_MOST_MISSES: Final = 3
_HALVINGS: Final = 4
_LESS: Final = 0.999
_REAL: Final = 0.3  # of the predicted cut, which a file must be measured to have
ROWS_NAME: Final = "proposals.jsonl"


class Walk:
    """From the tuned seed to the budget, one width at a time; every finished part is kept and never done again.

    Args:
        ground: What does not change.
        costs: What things are thought to take; steps that were taken correct it.
        left_s: Seconds for all steps that are still to come.
    """

    def __init__(self, ground: Ground, costs: Costs, left_s: Callable[[], float]) -> None:
        self._ground, self._costs, self._left_s = ground, costs, left_s
        self.rows: list[dict[str, Any]] = []
        self.places: list[Place] = []

    def run(self, start: Place) -> Place:
        """Step until the budget is met or nothing saves any more."""
        self.places, place, misses, number = [start], start, 0, 0
        stages, progress = self._ground.stages, self._ground.progress
        while not self._arrived(place) and misses < _MOST_MISSES:
            number += 1
            done = stages.run(f"step-{number:02d}", partial(self._step, number, place, misses))
            self._costs = from_dict(Costs, done["costs"])
            self.rows += done["rows"]
            write_text(self._ground.folder / ROWS_NAME, "".join(json.dumps(row) + "\n" for row in self.rows))
            if done["place"] is None:
                misses += 1
                continue
            misses, place = 0, self._look_again(number, self._read(number, done["place"]))
            self.places.append(place)
        if misses:
            progress.note(f"step {number}: no proposal is measured to be faster; stopping at {place.ms:.3f} ms")
        return place

    def _arrived(self, place: Place) -> bool:
        budget_ms = self._ground.budget_ms
        return place.high_ms <= budget_ms or place.ms <= _CLOSE * budget_ms

    def _read(self, number: int, place: Mapping[str, Any]) -> Place:
        bundle = open_bundle(self._ground.folder / "steps" / f"{number:02d}" / "bundle")
        return Place(
            spec=trainable(bundle.manifest.spec),
            ms=place["ms"],
            high_ms=place["high_ms"],
            accuracy=place["accuracy"],
            interval=tuple(place["interval"]),
            bundle=bundle,
        )

    def _look_again(self, number: int, place: Place) -> Place:
        """A place at the border of the budget, measured for longer.

        A step too many costs accuracy, and one too few the budget.
        """
        ground = self._ground
        if not FLOOR <= place.ms / ground.budget_ms <= _BORDER:
            return place

        def work() -> dict[str, float]:
            both = [place.bundle, self.places[0].bundle]
            limit_s = min(LONG.limit_s, max(PAIRED.limit_s, _BORDER_SHARE * self._left_s()))
            plan = replace(LONG, limit_s=limit_s)
            paired, _ = measure_paired(both, ground.device, plan=plan, progress=ground.progress)
            return {"ms": ground.seed_ms * paired.to_seed, "high_ms": ground.seed_ms * paired.high}

        found = ground.stages.run(f"border-{number:02d}", work)
        return replace(place, ms=found["ms"], high_ms=found["high_ms"])

    def _step(self, number: int, place: Place, misses: int) -> dict[str, Any]:
        """One step, as JSON values."""
        ground, folder = self._ground, self._ground.folder / "steps" / f"{number:02d}"
        law = ground.law.anchored(place.spec, place.ms)
        plan = self._plan(number, place, law)
        cut_ms = ground.config.schedule_with(plan.share).cut_ms(number - 1, ground.seed_ms) * 2**misses
        proposals = self._proposals(place, law, cut_ms)
        begun = time.monotonic()
        trials = trials_of(ground, number, place, proposals, plan, folder)
        answers = try_all(ground, number, proposals, trials)
        if not plan.measured:
            ground.progress.note(f"step {number}: no time to measure every proposal: only the best by the rule are")
        table = self._table(number, place, trials) if plan.measured else {}
        if answers:
            self._learn_costs(plan, len(answers), time.monotonic() - begun)
        rows = [row_of(number, index, each, answers[index]) for index, each in enumerate(proposals)]
        for index, ms in table.items():
            rows[int(index)]["measured_ms"] = ms
        chosen = self._choose(number, place, proposals, answers, rows, folder)
        found = None if chosen is None else self._accept(number, rows[chosen[0]], *chosen, folder)
        for state in (folder / "trials").glob("*.safetensors"):
            state.unlink()
        shutil.rmtree(folder / "trials" / FILES_NAME, ignore_errors=True)
        return {"rows": rows, "place": found, "costs": to_dict(self._costs)}

    def _proposals(self, place: Place, law: LatencyLaw, cut_ms: float) -> tuple[Proposal, ...]:
        """What saves as much as wanted; where no width can by itself, what saves half of that, or half again."""
        budget_ms, multiple = self._ground.budget_ms, self._ground.config.multiple
        for _ in range(_HALVINGS):
            limit_ms = limit_of(place.ms, cut_ms=cut_ms, aim_ms=AIM * budget_ms)
            found = propose(place.spec, law.predict, limit_ms=min(limit_ms, _LESS * place.ms), step=multiple)
            if found:
                return near(found, floor_ms=FLOOR * budget_ms)
            cut_ms /= 2
        return ()

    def _plan(self, number: int, place: Place, law: LatencyLaw) -> StepPlan:
        ground, config = self._ground, self._ground.config

        def work() -> dict[str, Any]:
            first = config.schedule_with(config.delta).share
            shares = shares_from(first, fixed=config.delta is not None)
            plan = plan_steps(
                self._costs,
                cut=max(0.0, place.ms - AIM * ground.budget_ms) / ground.seed_ms,
                seconds=self._left_s(),
                num_proposals=max(1, len(self._proposals(place, law, shares[0] * ground.seed_ms))),
                batch_size=ground.base.batch_size,
                most_pictures=ground.epoch,
                shares=shares,
                pictures=config.steps_pictures,
            )
            return to_dict(plan)

        return from_dict(StepPlan, ground.stages.run(f"plan-{number:02d}", work))

    def _table(self, number: int, place: Place, trials: Sequence[Trial]) -> Mapping[str, float]:
        work = partial(measure_tuned, place, trials, self._ground)
        found: Mapping[str, float] = self._ground.stages.run(f"table-{number:02d}", work)
        return found

    def _learn_costs(self, plan: StepPlan, num_answers: int, seconds: float) -> None:
        """What the last step took is what the next will take; a step that was read from disk teaches nothing."""
        whole_s = self._costs.step_s(num_answers, plan.pictures, measured=plan.measured)
        thought_s = whole_s - self._costs.accept_s
        if seconds > 0.3 * thought_s:
            self._costs = self._costs.slower(seconds / thought_s)

    def _choose(
        self,
        number: int,
        place: Place,
        proposals: Sequence[Proposal],
        answers: Sequence[Mapping[str, Any]],
        rows: Sequence[dict[str, Any]],
        folder: Path,
    ) -> tuple[int, dict[str, Any]] | None:
        """The best by the rule whose file is measured to be faster and not far below the budget, with its figures."""
        ground = self._ground
        tried = {
            index: Tried(proposal=each, accuracy=answers[index]["accuracy"], ms=each.ms)
            for index, each in enumerate(proposals)
            if "accuracy" in answers[index]
        }
        too_far: list[tuple[int, dict[str, Any]]] = []
        for _ in range(min(_MOST_TRIES, len(tried))):
            rule = RULES[ground.config.rule]
            best = choose(list(tried.values()), accuracy=place.accuracy, ms=place.ms, rule=rule)
            index = next(index for index, each in tried.items() if each is best)
            del tried[index]
            found = self._measure(number, index, place, best.proposal, folder)
            rows[index].update(latency=[found["latency"]], to_before=found["to_before"], measured_ms=found["ms"])
            if found["to_before"] > 1 - _REAL * (1 - best.proposal.ms / place.ms):
                rows[index]["note"] = "refused: measured, and not faster, or hardly"
            elif found["ms"] < FLOOR * ground.budget_ms:
                rows[index]["note"] = "refused: further below the budget than need be"
                too_far.append((index, found))
            else:
                return index, found
        return too_far[0] if too_far else None

    def _measure(self, number: int, index: int, place: Place, proposal: Proposal, folder: Path) -> dict[str, Any]:
        """A proposal's bundle, and its latency: the mean of what it is beside the step before and beside the seed."""
        ground = self._ground

        def work() -> dict[str, Any]:
            net = build(proposal.spec)
            net.load_state_dict(load_file(folder / "trials" / f"{index:02d}.safetensors"))
            bundle, scored = step_bundle(
                net.eval(),
                ground,
                folder / f"try-{index:02d}",
                name=f"step{number:02d}",
                facts={"step": number, "change": proposal.describe()},
            )
            others = [place.bundle] if len(self.places) > 1 else []
            paired, _ = measure_paired(
                [bundle, *others, self.places[0].bundle], ground.device, progress=ground.progress
            )
            ms = math.sqrt(ground.seed_ms * paired.to_seed * place.ms * paired.to_before)
            return {
                **scored,
                "ms": ms,
                "high_ms": ms * paired.high / paired.to_seed,
                "to_before": paired.to_before,
                "latency": paired.latency.to_dict(),
            }

        seen: dict[str, Any] = ground.stages.run(f"measure-{number:02d}-{index:02d}", work)
        return seen

    def _accept(
        self, number: int, row: dict[str, Any], index: int, found: dict[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Give the bundle its place among the steps, and forget what was refused."""
        made, target = folder / f"try-{index:02d}" / "bundle", folder / "bundle"
        if made.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            made.rename(target)
        for other in folder.glob("try-*"):
            shutil.rmtree(other, ignore_errors=True)
        row.update(accepted=True, bundle=str(target.relative_to(self._ground.folder)), note="")
        self._ground.progress.note(
            f"step {number}: {row['change']}, {row['channels']} to {row['to_channels']}: {found['ms']:.3f} ms "
            f"({found['ms'] / self._ground.seed_ms:.1%} of the seed), "
            f"{figure_for(self._ground.task.name).label} {found['accuracy']:.1%} on the held-out pictures"
        )
        return {key: found[key] for key in ("ms", "high_ms", "accuracy", "interval")}
