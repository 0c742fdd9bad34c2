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
from edgesmith.core.progress_file import StageSight, read_progress
from edgesmith.core.units import format_duration
from edgesmith.report.content import FitReport
from edgesmith.report.plotted import Curve, CurvePanel
from edgesmith.report.saved import REPORT_NAME, load
from edgesmith.report.wording import format_ms
from edgesmith.tasks.figures import figure_of, figure_words
from edgesmith.web.jobs import PROGRESS_NAME, Job, Jobs, JobState
from edgesmith.web.run_state import EVENTS_NAME, RunState, State, read_state
from edgesmith.web.scan import Found, find_runs

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
        state = replace(state, state=State(jobs.state(job).value))
        if jobs.state(job) is JobState.FINISHED:  # the job was another one in the same folder
            state = replace(state, state=State.STOPPED)
    if state.is_live:
        told = read_progress(jobs.path(job.key) / PROGRESS_NAME) if job is not None else []
        sights = tuple(told) or ((state.training,) if state.training is not None else ())
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
    path = run / REPORT_NAME
    return load(path) if path.is_file() else None


def list_stages(run: Path) -> list[tuple[str, str]]:
    """Finished stages with their time, in the order of their end."""
    folder = run / "stages"
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
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
    try:
        return float(read_json(run / "stages" / "plan.json")["result"]["forecast_s"])
    except (EdgesmithError, KeyError, TypeError, ValueError):
        return None


def training_panels(log: Path | None) -> tuple[CurvePanel, ...]:
    """The curves of one training, as far as it is."""
    if log is None or log.name != EVENTS_NAME:
        return ()
    events = [event for event in read_lines(log) if isinstance(event, dict)]
    steps = [event for event in events if event.get("kind") == "step" and _is_number(event.get("loss"))]
    scores = [_scored(event) for event in events if event.get("kind") == "evaluation"]
    scores = [event for event in scores if _is_number(event.get("score"))]
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
    kept = [event for event in events if _is_number(event.get("pictures"))]
    xs, ys = [float(event["pictures"]) for event in kept], [float(event[key]) for event in kept]
    return Curve(label=label, xs=tuple(xs), ys=tuple(ys))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
    latency = result.get("latency")
    if isinstance(latency, list) and latency and isinstance(latency[0], dict):
        first = latency[0]
        low, high = (format_ms(float(first[key]), like=float(first["ms"])) for key in ("low_ms", "high_ms"))
        parts.append(f"{format_ms(float(first['ms']))} ms ({low} to {high}) on {first.get('device', '')}")
    if "met" in result:
        parts.append("budget met" if result["met"] else "budget missed")
    return "; ".join(part for part in parts if part)
