"""A run as pages show it: its state with what a job of ours knows of it, its stages, its curves, its result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from edgesmith.core.errors import EdgesmithError
from edgesmith.core.files import read_json, read_lines
from edgesmith.core.progress_file import StageSight
from edgesmith.core.units import format_duration
from edgesmith.engine.log import EVENTS_NAME
from edgesmith.recipes.run_folder import STAGES_NAME
from edgesmith.report.content import FitReport
from edgesmith.report.plotted import Curve, CurvePanel
from edgesmith.report.saved import REPORT_NAME, load
from edgesmith.report.wording import format_ms, latency_interval
from edgesmith.tasks.figures import figure_of, figure_words
from edgesmith.web.jobs import Job, Jobs
from edgesmith.web.places import file_inside, files_inside
from edgesmith.web.records import latency_of, number_of
from edgesmith.web.run_state import RunState, read_state
from edgesmith.web.scan import Found, find_runs
from edgesmith.web.states import State

_STAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "choose": "choose candidates",
        "search": "search",
        "speeds": "time training",
        "plan": "plan",
        "race": "race",
        "adapt": "NetAdapt",
        "int8": "int8",
        "pictures": "time training",
    }
)


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run as pages show it.

    Attributes:
        sights: What is being done now, the outermost stage first.
        job: That wrote the run, where it was started here.
        title: Verb and data or model.
        headline: What it came to, in one line; empty before its end.
    """

    found: Found
    state: RunState
    sights: tuple[StageSight, ...]
    job: Job | None
    title: str
    headline: str

    @property
    def ago(self) -> str:
        """How long ago something was written."""
        return format_duration(max(0.0, time.time() - self.state.changed_at))


def view_run(found: Found, jobs: Jobs) -> RunView:
    """Read a run.

    Raises:
        RunError: Its ``run.json`` cannot be read.
    """
    state = read_state(found.path)
    job = next((each for each in jobs.all() if each.run == found.name), None)
    sights: tuple[StageSight, ...] = ()
    if job is not None and state.result is None:
        told = jobs.state(job)
        # A job that finished was another one in the same folder.
        state = replace(state, state=State.STOPPED if told is State.FINISHED else told)
    if state.is_live:
        sights = tuple(jobs.sights(job) if job is not None else ()) or (
            (state.training,) if state.training is not None else ()
        )
    return RunView(
        found=found, state=state, sights=sights, job=job, title=_title(state.settings), headline=_headline(state.result)
    )


def view_runs(root: Path, jobs: Jobs) -> tuple[list[RunView], list[str]]:
    """All runs, the newest first, and a line for each that cannot be read."""
    views, problems = [], []
    for found in find_runs(root):
        try:
            views.append(view_run(found, jobs))
        except (EdgesmithError, OSError, ValueError, TypeError, AttributeError) as error:
            problems.append(f"{found.name}: {error}")
    return views, problems


def read_report(run: Path) -> FitReport | None:
    """The run's report; None before its end, and for verbs that write none."""
    path = file_inside(run, REPORT_NAME)
    return None if path is None else load(path)


def list_stages(run: Path) -> list[tuple[str, str]]:
    """Finished stages with their time, in the order of their end."""
    files = sorted(files_inside(run, f"{STAGES_NAME}/*.json"), key=lambda path: path.stat().st_mtime)
    rows: dict[str, float] = {}
    for path in files:
        prefix = path.stem.partition("-")[0]
        title = _STAGES.get(prefix, prefix)
        try:
            rows[title] = rows.get(title, 0.0) + float(read_json(path)["seconds"])
        except (EdgesmithError, KeyError, TypeError, ValueError):
            continue
    return [(title, format_duration(seconds)) for title, seconds in rows.items() if title != "plan"]


def forecast_s(run: Path) -> float | None:
    """What the whole fit was thought to take, once it was planned."""
    path = file_inside(run, f"{STAGES_NAME}/plan.json")
    try:
        return None if path is None else float(read_json(path)["result"]["forecast_s"])
    except (EdgesmithError, KeyError, TypeError, ValueError):
        return None


def training_panels(log: Path | None) -> tuple[CurvePanel, ...]:
    """The curves of one training, as far as it is."""
    if log is None or log.name != EVENTS_NAME:
        return ()
    events = [event for event in read_lines(log) if isinstance(event, dict)]
    steps = [event for event in events if event.get("kind") == "step" and number_of(event.get("loss")) is not None]
    scores = [_scored(event) for event in events if event.get("kind") == "evaluation"]
    scores = [event for event in scores if number_of(event.get("score")) is not None]
    scores = list({event.get("pictures"): event for event in scores}.values())  # of several weights at once, the last
    panels = []
    if len(steps) > 1:
        panels.append(CurvePanel(title="Loss", curves=(_curve("training loss", steps, "loss"),)))
    if len(scores) > 1:
        panels.append(
            CurvePanel(title="Held-out score", curves=(_curve("held-out", scores, "score"),), as_percent=True)
        )
    return tuple(panels)


def _scored(event: dict[str, Any]) -> dict[str, Any]:
    metrics = event.get("metrics")
    figure = figure_of(metrics) if isinstance(metrics, dict) else None
    return event if figure is None or not isinstance(metrics, dict) else {**event, "score": metrics[figure.key]}


def _curve(label: str, events: list[dict[str, Any]], key: str) -> Curve:
    kept = [event for event in events if number_of(event.get("pictures")) is not None]
    xs, ys = [float(event["pictures"]) for event in kept], [float(event[key]) for event in kept]
    return Curve(label=label, xs=tuple(xs), ys=tuple(ys))


def _title(settings: Mapping[str, Any]) -> str:
    data = settings.get("data")
    model = settings.get("model")
    name = model.get("name") if isinstance(model, dict) else model
    parts = [str(settings.get("verb", "run")), str(name or ""), Path(str(data)).name if data else ""]
    return " ".join(part for part in parts if part)


def _headline(result: Mapping[str, Any] | None) -> str:
    if not result:
        return ""
    parts = []
    metrics = result.get("metrics")
    if isinstance(metrics, dict):
        parts.append(figure_words({key: value for key, value in metrics.items() if key not in ("split", "num_images")}))
    records = result.get("latency")
    latency = latency_of(records[0]) if isinstance(records, list) and records else None
    if latency is not None:
        parts.append(f"{format_ms(latency.ms)} ms ({latency_interval(latency)}) on {latency.device}")
    if "met" in result:
        parts.append("budget met" if result["met"] else "budget missed")
    return "; ".join(part for part in parts if part)
