"""The paper's two ways to a network, on one's own pictures, device and budget: every stage a run with a bundle.

Large: MnasNet-A1 as it is, NetAdapt, the hand edits, training from scratch. Small: a search by the recurrent controller
with w = -0.15, then the same.

Paper: MobileNetV3, sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from edgesmith.arch.edits.by_hand import by_hand
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import BudgetError, UsageError
from edgesmith.core.files import write_json
from edgesmith.core.progress import SILENT, Progress
from edgesmith.core.table import lookup
from edgesmith.core.units import format_duration
from edgesmith.deploy.bundle import Bundle, open_bundle
from edgesmith.recipes.candidates import MARGIN
from edgesmith.recipes.effort import plan_time
from edgesmith.recipes.fit import fit
from edgesmith.recipes.fit_config import FitConfig
from edgesmith.recipes.fit_int8 import with_int8
from edgesmith.recipes.fit_result import FitResult
from edgesmith.recipes.material import Material, open_material
from edgesmith.recipes.models import Model, preprocessing_of
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.netadapt.run import netadapt
from edgesmith.recipes.paper_last import Way, last_stage
from edgesmith.recipes.proxy_wishes import ProxyWishes
from edgesmith.recipes.run_folder import RESULT_NAME, STAGES_NAME, RunFolder, Stages, open_run
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.recipes.start import NONE, SCRATCH
from edgesmith.recipes.task_nets import net_for
from edgesmith.recipes.teacher import check_teacher
from edgesmith.recipes.train import named_recipe, train_model
from edgesmith.recipes.untrained import measure_specs
from edgesmith.search.executors.table import make_executor
from edgesmith.search.netadapt import narrowest

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
        out: The run folder: ``1-seed`` or ``1-search`` and ``2-netadapt`` are runs with bundles, and its own bundle and
            report are those of the last network.
        overwrite: Throw away what an earlier run left there.
        progress: Told of each stage.

    Raises:
        UsageError: The preset or a value of the config is unknown, or asks for what the paper's way cannot.
        BudgetError: The budget cannot be met; said before anything is trained for it.
    """
    shares = lookup(PRESETS, preset, what="preset")
    if config.target.is_many or config.target.is_int8:
        raise UsageError(f"--preset is for one device of float files, got --device {config.device}; name one")
    if config.max_size is not None or config.max_memory is not None:
        raise UsageError("--preset narrows by latency alone; leave out --max-size and --max-memory")
    config = replace(config, preset=preset, search=None, adapt=False)
    total_s = plan_time(config.effort, config.time).total_s
    asked = named_recipe(config.recipe or SCRATCH, config.settings, spec=find(SEED_NET), seed=config.seed)
    material = open_material(config.data, seed=config.seed, cache_gb=asked.cache_gb, progress=progress)
    seed_net = _seed_net(config, material)
    if config.teacher is not None:
        check_teacher(config.teacher, material.dataset, preprocessing_of(seed_net))
    folder = open_run(out, config.settings_of_run(), overwrite=overwrite)
    progress.note(_OURS)
    parts = {name: format_duration(share * total_s) for name, share in vars(shares).items()}
    progress.note(
        f"forecast: {format_duration(total_s)} in all: {parts['first']}, then {parts['adapt']} for NetAdapt, "
        f"{parts['last']} from scratch"
    )
    return _Paper(config, shares, total_s, material, seed_net, folder, progress).run()


def _seed_net(config: FitConfig, material: Material) -> NetSpec:
    side = "" if config.resolution is None else f"@resolution={config.resolution}"
    return net_for(find(f"{SEED_NET}{side}"), material.dataset)


class _Paper:
    """One run of a preset."""

    def __init__(
        self,
        config: FitConfig,
        shares: Shares,
        total_s: float,
        material: Material,
        seed_net: NetSpec,
        folder: RunFolder,
        progress: Progress,
    ) -> None:
        self.config, self.shares, self.total_s = config, shares, total_s
        self.material, self.seed_net, self.folder, self.progress = material, seed_net, folder, progress
        self.stages = Stages(folder.path / STAGES_NAME)
        self.limit_ms = config.limits().latency_ms

    def run(self) -> FitResult:
        """Seed or search, NetAdapt, hand edits, training from scratch, measurement; int8 last."""
        if self.config.preset == "paper-large":
            target = self._target(self.seed_net)
            first = self._trained("1-seed", self.seed_net, self.shares.first)
        else:
            first = self._search()
            target = self._target(first.manifest.spec)
        narrowed = self._narrow(first, target)
        spec = by_hand(narrowed.manifest.spec)
        spec = replace(spec, name=f"{self.config.preset}-{len(spec.blocks)}-blocks")
        write_json(self.folder.path / f"{spec.name}.json", spec.to_json())
        way = Way(first=first.manifest.spec, narrowed=None if narrowed is first else narrowed.manifest.spec, last=spec)
        result = last_stage(way, self.config, self.material, self.stages, self.folder.path, progress=self.progress)
        if self.config.int8:
            count = len(self.material.pictures)
            result = with_int8(result, self.config, num_train=count, stages=self.stages, progress=self.progress)
        self.folder.finish(result.to_json())
        return result

    def _search(self) -> Bundle:
        """The controller's choice, and nobody else's: no network of the zoo races beside it."""
        wishes = SearchWishes(
            space="mnasnet",
            strategy="controller",
            reward="soft-small",
            proxy=ProxyWishes(inherit=False),
            workers=self.config.workers,
        )
        config = replace(
            self.config,
            search=wishes,
            zoo=False,
            int8=False,
            teacher=None,
            preset=None,
            weights=NONE,
            time=self._time(self.shares.first),
        )
        path = self.folder.path / "1-search"
        self._once(path, lambda: fit(config, out=path, progress=self.progress), self.shares.first)
        return open_bundle(path / "bundle")

    def _target(self, spec: NetSpec) -> float | None:
        """What NetAdapt has to reach, in ms, so that the hand edits then end at the budget; None where it is reached.

        Raises:
            BudgetError: Not even with every width at its least.
        """
        found = self.stages.run("edits", lambda: self._measure_edits(spec), forecast_s=30)
        edits: float = found["after"] / found["before"]
        target = self.limit_ms * MARGIN / edits
        if found["before"] <= target:
            self.progress.note(f"{spec.name} needs no NetAdapt: the hand edits alone end within the budget")
            return None
        if found["least_low"] > target:
            raise BudgetError(
                f"{self.config.budget} on {self.config.device} is out of reach: {spec.name} takes "
                f"{found['before']:.3g} ms, {found['after']:.3g} ms with the hand edits, and about "
                f"{edits * found['least']:.3g} ms with every width at its least besides; raise --budget"
            )
        return target

    def _measure_edits(self, spec: NetSpec) -> dict[str, float]:
        nets = [spec, replace(by_hand(spec), name="edited"), replace(narrowest(spec), name="narrowest")]
        before, after, least = measure_specs(nets, self.config.target, progress=self.progress)
        return {"before": before.ms, "after": after.ms, "least": least.ms, "least_low": least.low_ms}

    def _narrow(self, first: Bundle, target: float | None) -> Bundle:
        """NetAdapt, where it is needed."""
        if target is None:
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
            executor = make_executor(self.config.executor)
            try:
                netadapt(wishes, out=path, executor=executor, progress=self.progress)
            finally:
                executor.close()

        self._once(path, work, self.shares.adapt)
        return open_bundle(path / "bundle")

    def _trained(self, name: str, spec: NetSpec, share: float) -> Bundle:
        path = self.folder.path / name

        def work() -> Any:
            return train_model(
                Model(name=spec.name, spec=spec),
                self.config.data,
                out=path,
                recipe=self.config.recipe,
                settings=self.config.settings,
                weights=self.config.weights,
                time=self._time(share),
                seed=self.config.seed,
                progress=self.progress,
            )

        self._once(path, work, share)
        return open_bundle(path / "bundle")

    def _time(self, share: float) -> str:
        return f"{share * self.total_s:.0f}s"

    def _once(self, path: Path, work: Callable[[], Any], share: float) -> None:
        """A run within this one, unless an earlier process finished it."""

        def unless_finished() -> None:
            if not (path / RESULT_NAME).is_file():
                work()

        self.stages.run(path.name, unless_finished, forecast_s=share * self.total_s)
