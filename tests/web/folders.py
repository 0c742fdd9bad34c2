"""Run folders as verbs leave them, made without training."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

from starlette.testclient import TestClient

from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.config import to_dict
from edgesmith.core.files import write_json
from edgesmith.report import content
from edgesmith.report.page import write
from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig
from edgesmith.web.jobs import JOB_NAME, LOG_NAME, OUTPUT_NAME, Job
from edgesmith.web.scan import JOBS_NAME
from tests.report.samples import sample_report

JOB = "20260101-000000-abcdef"
ORIGIN = "http://127.0.0.1"
TOKEN = "a-token-of-this-test-alone"


def local_client(folder: Path, *, data: tuple[Path, ...] = (), **more: object) -> TestClient:
    """A browser of this machine, whose forms come from the application's own pages."""
    config = replace(WebConfig(folder=folder, data=data), **more)  # type: ignore[arg-type]
    return TestClient(create_app(config), base_url=ORIGIN, headers={"origin": ORIGIN}, follow_redirects=False)


def remote_client(folder: Path, *, origin: str = "http://10.1.2.3", host: str = "0.0.0.0") -> TestClient:
    """A browser of another machine, without the token yet."""
    config = WebConfig(folder=folder, host=host, token=TOKEN)
    return TestClient(create_app(config), base_url=origin, headers={"origin": origin}, follow_redirects=False)


def write_events(folder: Path, *, pictures: int, of: int) -> None:
    """The log of a training that came so far."""
    steps = range(1, 11)
    events: list[dict[str, object]] = [
        {
            "kind": "step",
            "step": 10 * step,
            "pictures": pictures * step // 10,
            "of": of,
            "loss": 2.0 / step,
            "learning_rate": 0.1,
            "seconds": 4.0 * step,
        }
        for step in steps
    ]
    events += [
        {
            "kind": "evaluation",
            "step": step,
            "pictures": step * pictures // 100,
            "weights": "raw",
            "metrics": {"top1": s},
        }
        for step, s in ((50, 0.4), (100, 0.7))
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def write_fit(run: Path, spec: NetSpec) -> content.FitReport:
    """A finished fit of one candidate, the report's other ones without more than a name."""
    write_json(run / "run.json", {"verb": "fit", "data": "/data/flowers.zip", "budget": "1.5ms"})
    report = sample_report()
    winner = next(row for row in report.candidates if row.outcome is content.Outcome.WINNER)
    rows = tuple(replace(row, name=spec.name) if row is winner else row for row in report.candidates)
    report = replace(report, candidates=rows, model=replace(report.model, name=spec.name))
    write(report, run / "report.html")
    write_json(run / "stages" / "choose.json", {"result": {"fitting": [{"spec": spec.to_json()}]}, "seconds": 21.0})
    write_json(run / "stages" / "plan.json", {"result": {"forecast_s": 900.0}, "seconds": 0.1})
    write_events(run / "race" / f"0-{model_hash(spec)}", pictures=500, of=500)
    write_events(run / "train", pictures=4000, of=4000)
    metrics = {"top1": 0.845, "top1_low": 0.81, "top1_high": 0.88, "num_images": 400, "split": "val"}
    latency = [{"name": "tiny", "device": "onnxruntime", "ms": 1.17, "low_ms": 1.15, "high_ms": 1.2}]
    write_json(run / "result.json", {"metrics": metrics, "latency": latency, "budget_ms": 1.5, "met": True})
    return report


def write_training(run: Path, *, pictures: int = 1200, of: int = 4800) -> None:
    """A training on its way."""
    write_json(run / "run.json", {"verb": "train", "model": {"name": "small"}, "data": "/data/digits.zip"})
    write_events(run, pictures=pictures, of=of)


def write_job(root: Path, key: str) -> None:
    """A check that is over and found something, in the folder of the jobs."""
    folder = root / JOBS_NAME / key
    told = {"ok": False, "num_images": 16, "classes": {"a": 8, "b": 8}}
    problem = {"kind": "truncated", "file": "train/a/0.png", "detail": "ends after 31 kB"}
    job = Job(
        key=key, verb="check", title="check two.zip", arguments=("check", "/data/two.zip", "--json"), created_at=1.7e9
    )
    write_json(folder / JOB_NAME, to_dict(replace(job, pid=1, exit_code=1, ended_at=1.7e9 + 3)))
    write_json(folder / OUTPUT_NAME, {**told, "problems": [problem]})
    (folder / LOG_NAME).write_text("edgesmith: 1 problem\n")


def make_old(run: Path, *, hours: float = 3) -> None:
    """As if nothing had been written for so long."""
    past = time.time() - 3600 * hours
    for path in run.rglob("*"):
        os.utime(path, (past, past))
