"""The verbs as functions: what ``import edgesmith`` offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.extras import require
from edgesmith.core.progress import SILENT, Progress
from edgesmith.devices.across import Target
from edgesmith.devices.measure import DEFAULT_PLAN
from edgesmith.devices.plan import Plan
from edgesmith.devices.results import Measurement
from edgesmith.recipes.models import resolve

if TYPE_CHECKING:
    from edgesmith.nn.build import Net
    from edgesmith.recipes.fit_result import FitResult
    from edgesmith.recipes.netadapt.result import NetAdaptResult
    from edgesmith.recipes.search_wishes import SearchWishes


def build(spec_or_name: NetSpec | str, *, num_classes: int = 1000, seed: int = 0) -> Net:
    """Make an untrained network.

    Args:
        spec_or_name: A spec, or a zoo name with options such as ``mobilenet_v3_small@width=0.75``.
        num_classes: Width of the answer; a spec keeps its own unless this is given.
        seed: Of the initial weights.
    """
    require("torch", extra="train")
    from edgesmith.nn.build import build as build_net

    spec = find(spec_or_name) if isinstance(spec_or_name, str) else spec_or_name
    wanted = spec.num_classes if num_classes == 1000 else num_classes
    return build_net(spec.with_num_classes(wanted), seed=seed)


def load(path: str | Path) -> Net:
    """The network of a bundle or run folder with its weights, in evaluation mode."""
    require("torch", extra="train")
    from edgesmith.deploy.bundle import load_module
    from edgesmith.nn.build import Net

    net = load_module(resolve(str(path)).require_bundle())
    assert isinstance(net, Net), "a bundle's module is built from its spec"
    return net


def fit(
    data: str | Path,
    *,
    budget: str,
    out: str | Path,
    device: str = "onnxruntime",
    across: str = "worst",
    effort: str = "standard",
    time: str | None = None,
    recipe: str | None = None,
    settings: Sequence[str] = (),
    weights: str = "auto",
    resolution: int | None = None,
    seed: int = 0,
    search: SearchWishes | bool | None = None,
    adapt: bool | None = None,
    int8: bool | None = None,
    max_size: str | None = None,
    max_memory: str | None = None,
    workers: str | None = None,
    preset: str | None = None,
    teacher: str | None = None,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> FitResult:
    """From pictures, a device and a budget to a measured model file; see `edgesmith.recipes.fit_config.FitConfig`.

    ``search``, ``adapt`` and ``int8`` are decided by the time where they are None, the last two for one device of
    float files only. ``workers`` try the candidates of search and NetAdapt: a number of processes, or a Ray cluster.
    ``preset`` is the paper's way instead: ``paper-large`` or ``paper-small``.
    """
    require("torch", extra="train")
    from edgesmith.recipes.effort import worth_a_search, worth_adapting
    from edgesmith.recipes.fit import fit as run
    from edgesmith.recipes.fit_config import FitConfig
    from edgesmith.recipes.search_wishes import SearchWishes

    wanted = worth_a_search(effort, time) if search is None else search
    target = Target(device=device)
    has_time = worth_adapting(effort, time) and not (target.is_many or target.is_int8)
    config = FitConfig(
        data=str(data),
        budget=budget,
        device=device,
        across=across,
        effort=effort,
        time=time,
        recipe=recipe,
        settings=tuple(settings),
        weights=weights,
        resolution=resolution,
        seed=seed,
        search=(SearchWishes(workers=workers, if_worth=search is None) if wanted else None)
        if isinstance(wanted, bool)
        else wanted,
        adapt=has_time if adapt is None else adapt,
        int8=has_time if int8 is None else int8,
        max_size=max_size,
        max_memory=max_memory,
        workers=workers,
        teacher=teacher,
    )
    if preset is not None:
        from edgesmith.data import dataset as datasets
        from edgesmith.recipes.paper import paper_fit
        from edgesmith.recipes.task_nets import require_classification

        require_classification(datasets.open(config.data, seed=seed).task, "--preset")
        return paper_fit(preset, config, out=Path(out), overwrite=overwrite, progress=progress)
    return run(config, out=Path(out), overwrite=overwrite, progress=progress)


def search(
    data: str | Path,
    *,
    budget: str,
    out: str | Path,
    space: str = "auto",
    strategy: str = "surrogate",
    scoring: str = "proxy",
    reward: str = "accuracy",
    objectives: Sequence[str] = ("accuracy",),
    proxy: Sequence[str] = (),
    trials: int | None = None,
    batch: int | None = None,
    random: bool = True,
    study: str | None = None,
    workers: str | None = None,
    **settings: Any,
) -> FitResult:
    """Search for networks within a budget, and train the best; its result holds every candidate.

    Args:
        data: As DATA of the command line.
        budget: Latency with a unit.
        out: The run folder.
        space: See `edgesmith.recipes.search_wishes.SearchWishes`, as of the next ones.
        strategy: Name of a strategy.
        scoring: ``proxy``, ``supernet`` or ``oneshot``.
        reward: Name of a reward.
        objectives: ``accuracy``, or a front of it and ``latency``, ``parameters``, ``memory``, ``madds``.
        proxy: ``key=value`` settings of a candidate's short training: ``pictures``, ``scale``, ``subset``,
            ``inherit``.
        trials: Candidates to try.
        batch: How many are proposed at a time.
        random: Whether as many random candidates are tried beside it.
        study: URL of the storage.
        workers: Executor; with processes a script needs Python's ``if __name__ == "__main__":`` around its calls.
        settings: As of `fit`.
    """
    require("torch", extra="train")
    from edgesmith.core.config import override
    from edgesmith.recipes.proxy_wishes import DEFAULT
    from edgesmith.recipes.search_wishes import SearchWishes

    wishes = SearchWishes(
        space=space,
        strategy=strategy,
        scoring=scoring,
        reward=reward,
        objectives=tuple(objectives),
        proxy=override(DEFAULT, proxy, option="--proxy"),
        trials=trials,
        batch=batch,
        random=random,
        study=study,
        workers=workers,
    )
    return fit(data, budget=budget, out=out, search=wishes, **({"adapt": False, "int8": False} | settings))


def netadapt(
    model: str | Path,
    data: str | Path,
    *,
    budget: str,
    out: str | Path,
    device: str = "onnxruntime",
    effort: str = "standard",
    time: str | None = None,
    weights: str = "auto",
    rule: str = "slope",
    schedule: str = "paper",
    delta: float | None = None,
    steps_pictures: int | None = None,
    multiple: int = 8,
    from_scratch: bool = False,
    recipe: str | None = None,
    settings: tuple[str, ...] = (),
    resolution: str | None = None,
    teacher: str | None = None,
    workers: int | str = "here",
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> NetAdaptResult:
    """Narrow a network until it meets a budget; see `edgesmith.recipes.netadapt.config.NetAdaptConfig`.

    By default proposals are tried in this process, which ends with the first that kills it. ``workers`` in processes of
    their own, even one, outlive that; a script then needs Python's ``if __name__ == "__main__":`` around its calls.
    """
    require("torch", extra="train")
    from edgesmith.recipes.netadapt.config import NetAdaptConfig
    from edgesmith.recipes.netadapt.run import netadapt as run
    from edgesmith.recipes.search_wishes import SearchWishes
    from edgesmith.search.executors.table import make_executor

    config = NetAdaptConfig(
        model=str(model),
        data=str(data),
        budget=budget,
        device=device,
        effort=effort,
        time=time,
        weights=weights,
        rule=rule,
        schedule=schedule,
        delta=delta,
        steps_pictures=steps_pictures,
        multiple=multiple,
        from_scratch=from_scratch,
        recipe=recipe,
        settings=settings,
        resolution=resolution,
        teacher=teacher,
        seed=seed,
    )
    executor = make_executor(SearchWishes(workers=str(workers)).executor)
    try:
        return run(config, out=Path(out), overwrite=overwrite, executor=executor, progress=progress)
    finally:
        executor.close()


def measure(
    *models: str | Path, device: str = "onnxruntime", plan: Plan = DEFAULT_PLAN, progress: Progress = SILENT
) -> Measurement:
    """Latencies with intervals, and verdicts between all pairs.

    Args:
        models: Zoo names, specs, bundles, run folders or model files.
        device: One device or several, as on the command line.
        plan: How long and how precisely.
        progress: Told of each stage.
    """
    from edgesmith.recipes.measure import measure_models

    return measure_models([resolve(str(model)) for model in models], device, plan=plan, progress=progress)


def export(
    model: str | Path,
    *,
    out: str | Path,
    formats: str = "onnx",
    batch: int | str | None = None,
    opset: int | None = None,
    preprocessing_inside: bool = False,
    data: str | None = None,
) -> dict[str, Any]:
    """Model files, each run and compared with PyTorch; see `edgesmith.recipes.export.export_model`."""
    require("torch", extra="train")
    from edgesmith.recipes.export import export_model

    return export_model(
        resolve(str(model)),
        formats,
        out=Path(out),
        batch=None if batch is None else str(batch),
        opset=opset,
        preprocessing_inside=preprocessing_inside,
        data=data,
    )
