"""The end of a fit: its winner trained, narrowed where it is too slow, exported, scored, measured, told."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from edgesmith.arch.spec import NetSpec
from edgesmith.core.config import to_dict
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.samples import Sample
from edgesmith.deploy.bundle import Bundle, open_bundle
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Latency, Measurement
from edgesmith.engine.train import TrainResult
from edgesmith.nn.build import Net
from edgesmith.recipes.contenders import Contenders
from edgesmith.recipes.effort import TimePlan
from edgesmith.recipes.fit_int8 import describe, int8_product
from edgesmith.recipes.fit_keep import SecondLook, look_again, missed_json, rivals_of
from edgesmith.recipes.fit_race import Runners
from edgesmith.recipes.fit_report import Course, Story, tell_narrowed, write_report
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.fit_weights import fit_weights
from edgesmith.recipes.last_mile import SHARE, adapted_result, hand_over, last_mile
from edgesmith.recipes.measure import measure_for
from edgesmith.recipes.models import Model
from edgesmith.recipes.product import Score
from edgesmith.recipes.report_base import as_latency
from edgesmith.recipes.run_folder import BUNDLE_NAME
from edgesmith.recipes.teacher import Taught, open_teacher
from edgesmith.recipes.train import finish
from edgesmith.recipes.untrained import measure_specs
from edgesmith.report import write
from edgesmith.report.content import Outcome
from edgesmith.report.page import PAGE_NAME
from edgesmith.report.saved import REPORT_NAME, load
from edgesmith.tasks.base import Task

MISSED_NAME: Final = "missed"


@dataclass(frozen=True, kw_only=True)
class Product:
    """A trained network with its file, which was scored and measured."""

    bundle: Bundle
    result: TrainResult
    score: Score
    latency: Latency
    measurement: Measurement
    int8: dict[str, Any] | None = None


class Ending:
    """From a race's winner to what a fit returns.

    Args:
        course: What the fit did until then.
        contenders: Who raced.
        runners: The race, for the weights of others than the winner; None where there was none.
        task: Gives loss and score.
        time_plan: Of the fit.
        home: The run folder.
        progress: Told of each stage.
    """

    def __init__(
        self,
        course: Course,
        contenders: Contenders,
        runners: Runners | None,
        task: Task,
        time_plan: TimePlan,
        home: Path,
        *,
        progress: Progress = SILENT,
    ) -> None:
        self._course, self._contenders, self._runners, self._task = course, contenders, runners, task
        self._time_plan, self._home, self._progress = time_plan, home, progress
        self._config, self._material, self._stages = course.config, course.material, course.stages
        self._taught: Taught | None = None

    def run(self) -> FitResult:
        """Train, finish, tell; what is returned keeps the budget wherever something that was trained does."""
        winner = self._contenders.specs[self._course.race.winner]
        return self._narrow(winner) if self._config.adapt and self._is_too_slow(winner) else self._plain(winner)

    def _is_too_slow(self, winner: NetSpec) -> bool:
        """Whether it needs NetAdapt; the interval of a short measurement alone is not worth that."""
        budget_ms, target = self._course.budget_ms, self._config.target
        if self._contenders.ms_of(winner) <= budget_ms:
            return False

        def work() -> float:
            return measure_specs([winner], target, plan=Plan(), progress=self._progress)[0].high_ms

        again: float = self._stages.run("winner", work, forecast_s=Plan().limit_s)
        return again > budget_ms

    def _plain(self, winner: NetSpec) -> FitResult:
        course = self._course
        net, result = self._train(winner, course.plan["pictures"][winner.name], course.plan["train_s"])
        product = self._finish(winner, net, result)
        if self._keeps(product.latency):
            return self._report(course, product)
        look = self._look_again(product.bundle)
        product = replace(product, latency=look.latency, measurement=look.measurement)
        if self._keeps(look.latency):
            return self._report(course, product)
        missed = hand_over(product.bundle.folder, self._home / MISSED_NAME / BUNDLE_NAME)
        kept = self._of_the_race(look, missed)
        if kept is not None:
            return kept
        bundle = hand_over(missed.folder, product.bundle.folder)
        return self._nothing_keeps(self._report(course, replace(product, bundle=bundle)))

    def _narrow(self, winner: NetSpec) -> FitResult:
        """Train a winner that is too slow for a while, and let NetAdapt bring it onto the budget."""
        plan, home = self._course.plan, self._home
        pictures = round(SHARE * plan["pictures"][winner.name])
        # NetAdapt's steps are judged by held-out pictures, which must be news to the network.
        rest, _ = self._material.parted(self._config.seed)
        net, result = self._train(winner, pictures, SHARE * plan["train_s"], samples=rest)
        _, wide = self._product(winner, net, result, home / "wide")
        left_s = self._time_plan.total_s - self._stages.times()[1]
        work = partial(
            last_mile, wide.folder, self._config, seconds=left_s, folder=home / "netadapt", progress=self._progress
        )
        found: Mapping[str, Any] = self._stages.run("adapt", work, forecast_s=(1 - SHARE) * plan["train_s"])
        narrowed, look = Path(found["bundle"]), None
        if not found["met"]:
            look = self._look_again(open_bundle(narrowed))
            if not self._keeps(look.latency) and (kept := self._of_the_race(look, open_bundle(narrowed))):
                return kept
            told = [each.to_dict() for each in look.measurement.latency]
            found = {**found, "met": self._keeps(look.latency), "latency": told}
        result_of = self._tell_narrowed(found, winner.name, hand_over(narrowed, home / BUNDLE_NAME), look)
        return result_of if result_of.met else self._nothing_keeps(result_of)

    def _tell_narrowed(
        self, found: Mapping[str, Any], winner: str, bundle: Bundle, look: SecondLook | None
    ) -> FitResult:
        course, home = self._course, self._home
        report = tell_narrowed(course, load(home / "netadapt" / REPORT_NAME), bundle.folder)
        write(report if look is None else replace(report, latency=as_latency(look.latency)), home / PAGE_NAME)
        return adapted_result(
            found,
            winner,
            bundle=bundle.folder,
            report=home / PAGE_NAME,
            forecast_s=course.forecast_s,
            actual_s=self._stages.times()[1],
            candidates=None if course.search is None else course.search.to_json(),
        )

    def _keeps(self, latency: Latency) -> bool:
        return latency.high_ms <= self._course.budget_ms

    def _look_again(self, bundle: Bundle) -> SecondLook:
        course, target = self._course, self._config.target
        rivals = () if target.is_int8 else rivals_of(course.race, course.contenders, course.race.winner)
        model = Model(name=bundle.manifest.name, spec=bundle.manifest.spec, bundle=bundle)
        look = look_again(model, rivals, target, course.budget_ms, progress=self._progress)
        self._progress.note(look.describe(course.budget_ms))
        return look

    def _of_the_race(self, look: SecondLook, missed: Bundle) -> FitResult | None:
        """The best of the race whose own file keeps the budget, as the race left it; None where none does."""
        for name in look.keeping:
            assert self._runners is not None, "rivals are of a race"
            self._progress.note(f"{name} keeps the budget as the machine is now: its file is made")
            net, result = self._runners.trained(name)
            product = self._finish(self._contenders.specs[name], net, result)
            if self._keeps(product.latency):
                winner = self._course.race.winner
                course = replace(
                    self._course,
                    race=replace(self._course.race, winner=name),
                    told={
                        winner: (Outcome.RACED, f"won the race; its file took up to {look.latency.high_ms:.3g} ms"),
                        name: (Outcome.WINNER, "the best of the race whose file keeps the budget"),
                    },
                )
                done = self._report(course, product)
                line = f"{winner} won the race and missed the budget in the end; it is in {missed.folder}"
                told = missed_json(winner, str(missed.folder), look)
                return replace(done, missed=told, summary=(*done.summary, look.describe(done.budget_ms), line))
        return None

    def _nothing_keeps(self, result: FitResult) -> FitResult:
        line = (
            f"nothing that was trained keeps {result.budget_ms:.3g} ms on {self._config.target} as the machine is now; "
            "raise --budget, or measure again when it is quiet: edgesmith measure " + str(result.bundle)
        )
        return replace(result, summary=(*result.summary, line))

    def _train(
        self, spec: NetSpec, pictures: int, forecast_s: float, *, samples: Sequence[Sample] | None = None
    ) -> tuple[Net, TrainResult]:
        self._progress.note(f"training {spec.name} on {pictures} pictures")
        net, rule = self._contenders.begin(spec)
        if self._config.teacher is not None:
            self._taught = open_teacher(self._config.teacher, self._material.dataset.classes, rule)
            self._progress.note(f"learning from {self._taught.source} beside the labels")
        begun = time.monotonic()
        result = fit_weights(
            net,
            self._material,
            self._task,
            self._contenders.config(spec, pictures),
            rule=rule,
            folder=self._home / "train",
            samples=samples,
            teacher=None if self._taught is None else self._taught.teacher,
            progress=self._progress,
        )
        self._stages.note("train", forecast_s, max(result.seconds, time.monotonic() - begun))
        return net, result

    def _product(self, spec: NetSpec, net: Net, result: TrainResult, folder: Path) -> tuple[Score, Bundle]:
        taught = self._taught if spec.name == self._course.race.winner else None
        distilled = to_dict(self._contenders.config(spec, result.pictures).distill)
        return finish(
            net,
            self._material,
            self._task,
            result,
            rule=self._contenders.rule(spec),
            folder=folder,
            seed=self._config.seed,
            more=None if taught is None else {"teacher": {"source": taught.source, **distilled}},
            progress=self._progress,
        )

    def _finish(self, spec: NetSpec, net: Net, result: TrainResult) -> Product:
        begun, config, told = time.monotonic(), self._config, None
        score, bundle = self._product(spec, net, result, self._home)
        if config.target.is_int8:
            count = len(self._material.pictures)
            told, score = int8_product(
                bundle, score, config, self._task, num_train=count, stages=self._stages, progress=self._progress
            )
            bundle = open_bundle(bundle.folder)
        model = Model(name=bundle.manifest.name, spec=spec, bundle=bundle)
        latency, measurement = measure_for(model, config.target, self._course.budget_ms, progress=self._progress)
        self._stages.note("finish", self._time_plan.finish_s, time.monotonic() - begun)
        bundle = open_bundle(bundle.folder)
        return Product(bundle=bundle, result=result, score=score, latency=latency, measurement=measurement, int8=told)

    def _report(self, course: Course, product: Product) -> FitResult:
        story = Story(
            **vars(course),
            bundle=open_bundle(product.bundle.folder),
            result=product.result,
            score=product.score,
            latency=product.latency,
            measurement=product.measurement,
        )
        summary, told = write_report(story, self._home / PAGE_NAME), product.int8
        return FitResult(
            bundle=product.bundle.folder,
            report=self._home / PAGE_NAME,
            budget_ms=course.budget_ms,
            met=self._keeps(product.latency),
            latency=tuple(each.to_dict() for each in product.measurement.latency),
            metrics=product.score.metrics(),
            spec=product.bundle.manifest.spec,
            forecast_s=course.forecast_s,
            actual_s=self._stages.times()[1],
            summary=summary if told is None else (*summary, describe(told)),
            candidates=None if course.search is None else course.search.to_json(),
            int8=told,
        )
