"""The paper's two ways to a network, on one's own pictures, device and budget: every stage a run with a bundle.

Large: MnasNet-A1 as it is, NetAdapt, the hand edits, training from scratch. Small: a search by the recurrent controller
with w = -0.15, then the same.

Paper: MobileNetV3, sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from edgesmith.arch.edits.by_hand import by_hand
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.core.files import read_json, write_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.table import lookup
from edgesmith.core.units import format_duration
from edgesmith.deploy.bundle import Bundle, open_bundle
from edgesmith.recipes.candidates import MARGIN
from edgesmith.recipes.effort import plan_time
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.measure import measure_for
from edgesmith.recipes.models import Model
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.netadapt.run import netadapt
from edgesmith.recipes.run_folder import RESULT_NAME, STAGES_NAME, RunFolder, Stages, open_run
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.recipes.start import NONE
from edgesmith.recipes.train import train_model
from edgesmith.recipes.untrained import measure_specs
from edgesmith.report.page import PAGE_NAME
from edgesmith.search.executors.table import make_executor

SEED_NET: Final = "mnasnet_a1"
# What the paper does not say, and is ours.
_OURS: Final = (
    "ours, because the paper does not publish it: NetAdapt's target, chosen so that the hand edits end at the budget; "
    "its fine-tuning and the searches' sizes, scaled to the time; the training recipe on a small set"
)


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How a preset divides its time: the seed's training or search, NetAdapt, the training from scratch."""

    first: float
    adapt: float
    last: float


PRESETS: Final[Mapping[str, Shares]] = MappingProxyType(
    {
        "paper-large": Shares(first=0.25, adapt=0.35, last=0.4),
        "paper-small": Shares(first=0.4, adapt=0.25, last=0.35),
    }
)


def paper_fit(
    preset: str, config: FitConfig, *, out: Path, overwrite: bool = False, progress: Progress = SILENT
) -> FitResult:
    """Go the paper's way in ``out``; started again with the same config it goes on where it was.

    Args:
        preset: ``paper-large`` or ``paper-small``.
        config: As of a fit; its search is the preset's own.
        out: The run folder: ``1-seed`` or ``1-search``, ``2-netadapt``, ``3-scratch``.
        overwrite: Throw away what an earlier run left there.
        progress: Told of each stage.

    Raises:
        UsageError: The preset or a value of the config is unknown.
        BudgetError: The budget cannot be met.
    """
    shares = lookup(PRESETS, preset, what="preset")
    if config.target.is_many or config.target.is_int8:
        raise UsageError(f"--preset is for one device of float files, got --device {config.device}; name one")
    total_s = plan_time(config.effort, config.time).total_s
    folder = open_run(out, config.settings_of_run() | {"preset": preset}, overwrite=overwrite)
    progress.note(_OURS)
    parts = {name: format_duration(share * total_s) for name, share in vars(shares).items()}
    progress.note(f"forecast: {parts['first']}, then {parts['adapt']} for NetAdapt, {parts['last']} from scratch")
    return _Paper(preset, config, shares, total_s, folder, progress).run()


class _Paper:
    """One run of a preset."""

    def __init__(
        self,
        preset: str,
        config: FitConfig,
        shares: Shares,
        total_s: float,
        folder: RunFolder,
        progress: Progress,
    ) -> None:
        self.preset, self.config, self.shares, self.total_s = preset, config, shares, total_s
        self.folder, self.progress = folder, progress
        self.stages = Stages(folder.path / STAGES_NAME)
        self.limit_ms = config.limits().latency_ms

    def run(self) -> FitResult:
        """Seed or search, NetAdapt, hand edits, training from scratch, measurement."""
        first = self._seed() if self.preset == "paper-large" else self._search()
        narrowed = self._narrow(first)
        spec = by_hand(narrowed.manifest.spec)
        name = f"{self.preset}-{len(spec.blocks)}-blocks"
        trained = self._from_scratch(replace(spec, name=name))
        model = Model(name=trained.manifest.name, spec=trained.manifest.spec, bundle=trained)
        latency, _ = measure_for(model, self.config.target, self.limit_ms, progress=self.progress)
        bundle = open_bundle(trained.folder)
        metrics = read_json(trained.folder.parent / RESULT_NAME)["metrics"]
        done = FitResult(
            bundle=bundle.folder,
            report=self.folder.path / "2-netadapt" / PAGE_NAME,
            budget_ms=self.limit_ms,
            met=latency.high_ms <= self.limit_ms,
            latency=(latency.to_dict(),),
            metrics=metrics,
            spec=bundle.manifest.spec,
            forecast_s=self.total_s,
            actual_s=self.stages.times()[1],
            summary=(
                f"{bundle.manifest.name}: {latency.ms:.2f} ms ({latency.low_ms:.2f} to {latency.high_ms:.2f}) on "
                f"{latency.device}, budget {self.limit_ms:g} ms",
                f"accuracy: {metrics['top1']:.1%} top-1 on {metrics['num_images']} pictures of {metrics['split']}",
            ),
        )
        self.folder.finish(done.to_json())
        return done

    def _seed(self) -> Bundle:
        side = "" if self.config.resolution is None else f"@resolution={self.config.resolution}"
        spec = find(f"{SEED_NET}{side}")
        return self._trained("1-seed", spec, self.shares.first, weights=self.config.weights)

    def _search(self) -> Bundle:
        wishes = SearchWishes(space="mnasnet", strategy="controller", reward="soft-small")
        config = replace(self.config, search=wishes, adapt=False, weights=NONE, time=self._time(self.shares.first))
        path = self.folder.path / "1-search"
        self._once(path, lambda: fit(config, out=path, progress=self.progress), self.shares.first)
        return open_bundle(path / "bundle")

    def _narrow(self, first: Bundle) -> Bundle:
        """NetAdapt, to where the hand edits then end at the budget."""
        spec = first.manifest.spec
        found = self.stages.run("edits", lambda: self._measure_edits(spec), forecast_s=30)
        target = self.limit_ms * MARGIN * found["before"] / found["after"]
        if found["before"] <= target:
            self.progress.note(f"{first.manifest.name} needs no NetAdapt: the hand edits alone end within the budget")
            return first
        wishes = NetAdaptConfig(
            model=str(first.folder),
            data=self.config.data,
            budget=f"{target:.4f}ms",
            device=self.config.device,
            time=self._time(self.shares.adapt),
            settings=self.config.settings,
            seed=self.config.seed,
        )
        path = self.folder.path / "2-netadapt"

        def work() -> None:
            executor = make_executor("processes")
            try:
                netadapt(wishes, out=path, executor=executor, progress=self.progress)
            finally:
                executor.close()

        self._once(path, work, self.shares.adapt)
        return open_bundle(path / "bundle")

    def _measure_edits(self, spec: NetSpec) -> dict[str, float]:
        before, after = measure_specs([spec, replace(by_hand(spec), name="edited")], self.config.target)
        return {"before": before.ms, "after": after.ms}

    def _from_scratch(self, spec: NetSpec) -> Bundle:
        write_json(self.folder.path / f"{spec.name}.json", spec.to_json())
        return self._trained("3-scratch", spec, self.shares.last, weights=NONE)

    def _trained(self, name: str, spec: NetSpec, share: float, *, weights: str) -> Bundle:
        path = self.folder.path / name

        def work() -> Any:
            return train_model(
                Model(name=spec.name, spec=spec),
                self.config.data,
                out=path,
                recipe=self.config.recipe,
                settings=self.config.settings,
                weights=weights,
                time=self._time(share),
                seed=self.config.seed,
                progress=self.progress,
            )

        self._once(path, work, share)
        return open_bundle(path / "bundle")

    def _time(self, share: float) -> str:
        return f"{share * self.total_s:.0f}s"

    def _once(self, path: Path, work: Any, share: float) -> None:
        """A run within this one, unless an earlier process finished it."""

        def unless_finished() -> None:
            if not (path / RESULT_NAME).is_file():
                work()

        self.stages.run(path.name, unless_finished, forecast_s=share * self.total_s)
