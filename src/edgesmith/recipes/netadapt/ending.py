"""The end of a run: the narrowed network trained for long, exported, measured beside the seed, told."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgesmith.core.config import to_dict
from edgesmith.deploy.bundle import Bundle, load_module, open_bundle
from edgesmith.devices.results import Measurement
from edgesmith.engine.config import TrainConfig
from edgesmith.nn.build import Net, build
from edgesmith.recipes.effort import MAX_EPOCHS
from edgesmith.recipes.net_forms import as_trainable
from edgesmith.recipes.netadapt.config import Goal
from edgesmith.recipes.netadapt.ground import Ground, Place
from edgesmith.recipes.netadapt.opening import spent_s
from edgesmith.recipes.netadapt.products import HELD, LONG, Paired, measure_paired
from edgesmith.recipes.netadapt.report import Story, sizes_of, write_report
from edgesmith.recipes.netadapt.result import NetAdaptResult, candidate_json
from edgesmith.recipes.run_folder import RunFolder
from edgesmith.recipes.start import Start, default_recipe
from edgesmith.recipes.teacher import Taught, open_teacher
from edgesmith.recipes.train import finish, fit_weights, named_recipe
from edgesmith.tasks.figures import figure_for


class Ending:
    """From the last step of a walk to what the run leaves behind.

    Args:
        ground: Of the walk.
        plan: Of the run.
        rows: Every proposal.
        places: The tuned seed and every accepted step.
        folder: Of the run.
        total_s: Seconds for the whole run.
    """

    def __init__(
        self,
        ground: Ground,
        plan: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        places: Sequence[Place],
        folder: RunFolder,
        total_s: float,
    ) -> None:
        self._ground, self._plan, self._rows, self._places = ground, plan, rows, places
        self._folder, self._total_s = folder, total_s
        self._config, self._goal = ground.config, Goal.parse(ground.config.budget)

    def run(self, last: Place) -> NetAdaptResult:
        """Train, export, score, measure, tell."""
        ground, taught = self._ground, self._teacher()
        pictures: int = ground.stages.run("pictures", self._long_pictures)
        net, config = self._final_net(last, pictures)
        how = "from scratch" if self._config.from_scratch else "from its weights"
        ground.progress.note(f"training the narrowed network {how} on {pictures} pictures")
        begun = time.monotonic()
        result = fit_weights(
            net,
            ground.material,
            ground.task,
            config,
            rule=ground.rule,
            folder=self._folder.path / "train",
            teacher=None if taught is None else taught.teacher,
            progress=ground.progress,
        )
        ground.stages.note("long", self._plan["long_s"], max(result.seconds, time.monotonic() - begun))
        facts: dict[str, Any] = {"netadapt": {"steps": len(self._places) - 1, "budget": self._config.budget}}
        facts |= {} if taught is None else {"teacher": {"source": taught.source, **to_dict(config.distill)}}
        begun = time.monotonic()
        score, bundle = finish(
            net,
            ground.material,
            ground.task,
            result,
            rule=ground.rule,
            folder=self._folder.path,
            seed=self._config.seed,
            more=facts,
            progress=ground.progress,
        )
        paired, measurement = self._measure(bundle)
        ground.stages.note("finish", self._plan["finish_s"], time.monotonic() - begun)
        story = Story(
            ground=ground,
            budget_ms=self._goal.limit_ms(paired.latency.ms / paired.to_seed),
            rows=self._rows,
            places=self._places,
            bundle=open_bundle(bundle.folder),
            result=result,
            score=score,
            paired=paired,
            measurement=measurement,
            num_held=len(ground.material.parted(self._config.seed)[1]),
            forecast_s=self._plan["forecast_s"],
        )
        return self._result(story)

    def _measure(self, bundle: Bundle) -> tuple[Paired, Measurement]:
        """The final file beside the seed's; once more, and for longer, where the budget was just missed."""
        both, ground = [bundle, self._places[0].bundle], self._ground
        paired, measurement = measure_paired(both, ground.device, progress=ground.progress)
        if not self._is_met(paired) and (paired.latency.contended or self._may_be_met(paired)):
            ground.progress.note("the budget was just missed: measuring once more, for longer")
            paired, measurement = measure_paired(both, ground.device, plan=LONG, progress=ground.progress)
        return paired, measurement

    def _long_pictures(self) -> int:
        """What there is time for at the pace of the tuning, the last training that was seen."""
        plan, stages, material = self._plan, self._ground.stages, self._ground.material
        left_s: float = max(0.5 * plan["long_s"], self._total_s - spent_s(stages) - plan["finish_s"])
        pace: float = plan["tune_pictures"] / max(stages.times("tune")[1], 1.0) * plan.get("taught_pace", 1.0)
        return min(MAX_EPOCHS * len(material.pictures), max(self._ground.base.batch_size, round(pace * left_s)))

    def _teacher(self) -> Taught | None:
        if self._config.teacher is None:
            return None
        taught = open_teacher(self._config.teacher, self._ground.material.dataset.classes, self._ground.rule)
        self._ground.progress.note(f"learning from {taught.source} beside the labels")
        return taught

    def _final_net(self, last: Place, pictures: int) -> tuple[Net, TrainConfig]:
        config = self._config
        if config.from_scratch:
            name = default_recipe(Start(), self._ground.task.name)
            recipe = named_recipe(name, config.settings, spec=last.spec, seed=config.seed)
            return build(last.spec, seed=config.seed), replace(recipe, pictures=pictures)
        net = load_module(last.bundle)
        assert isinstance(net, Net), "a bundle's module is built from its spec"
        return as_trainable(net), replace(self._ground.base, pictures=pictures, frozen_pictures=0)

    def _is_met(self, paired: Paired) -> bool:
        if self._goal.share is not None:
            return paired.high <= self._goal.share
        return paired.latency.high_ms <= self._goal.limit_ms(0.0)

    def _may_be_met(self, paired: Paired) -> bool:
        """Whether only the width of the interval is in the way."""
        if self._goal.share is not None:
            return paired.low <= self._goal.share
        return paired.latency.low_ms <= self._goal.limit_ms(0.0)

    def _drift_line(self, paired: Paired) -> tuple[str, ...]:
        """Where the budget was missed: what the seed takes now, which tells the machine from the network."""
        if self._is_met(paired):
            return ()
        now, then = paired.latency.ms / paired.to_seed, self._ground.seed_ms
        return (f"the seed takes {now:.3g} ms beside it, and took {then:.3g} ms at first ({now / then:.2f} times)",)

    def _result(self, story: Story) -> NetAdaptResult:
        path, paired, figure = self._folder.path / "report.html", story.paired, figure_for(self._ground.task.name)
        to_seed = {"ratio_to_seed": paired.to_seed, "ratio_low": paired.low, "ratio_high": paired.high}
        done = NetAdaptResult(
            bundle=story.bundle.folder,
            report=path,
            budget_ms=story.budget_ms,
            met=self._is_met(paired),
            latency=(paired.latency.to_dict() | to_seed,),
            metrics=story.score.metrics(),
            spec=story.bundle.manifest.spec,
            forecast_s=self._plan["forecast_s"],
            actual_s=spent_s(self._ground.stages),
            candidates=tuple(candidate_json(row, key=figure.key, split=HELD) for row in story.rows),
            steps=tuple(place.bundle.folder for place in story.places),
            sizes=sizes_of(story),
            summary=(*write_report(story, path), *self._drift_line(paired)),
        )
        self._folder.finish(done.to_json())
        return done
