"""Accuracy against latency, and what stands behind each point."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from edgesmith.recipes.net_blocks import list_blocks
from edgesmith.report.axes import for_both
from edgesmith.report.block_plot import explain_blocks, show_blocks
from edgesmith.report.content import FitReport
from edgesmith.report.curves import draw_curves
from edgesmith.report.markup import element, join
from edgesmith.report.page import place_section
from edgesmith.report.sections import Section, list_sections, show_candidates, show_frontier
from edgesmith.report.tables import list_facts
from edgesmith.report.wording import accuracy_interval, format_count, format_ms, format_share, latency_interval
from edgesmith.web.candidates import Candidate, find_candidate
from edgesmith.web.published import draw_published
from edgesmith.web.render import render
from edgesmith.web.run_view import read_report, training_panels
from edgesmith.web.runs import candidate_address
from edgesmith.web.scan import Found
from edgesmith.web.state import require_run

router = APIRouter()

# Parts of the report that are about the winner alone.
_WINNERS = ("classes", "places", "confusion", "mistakes", "overlays", "model")


@router.get("/pareto/{name:path}")
def pareto(request: Request, name: str) -> Response:
    """Every candidate of a run with both intervals, the budget, and the published networks."""
    found, report = _require_report(request, name)
    link = partial(candidate_address, name)
    parts = [show_frontier(report, link=link), show_candidates(report, link=link), _published(report)]
    body = join(place_section(part) for part in parts if part.body)
    return render(request, "pareto.html", {"here": "/", "name": found.name, "report": report, "sections": body})


@router.get("/candidate/{number}/{name:path}")
def candidate(request: Request, number: int, name: str) -> Response:
    """One candidate.

    Raises:
        HTTPException: 404 where the run has no such candidate.
    """
    found, report = _require_report(request, name)
    chosen = find_candidate(found.path, report, number)
    if chosen is None:
        raise HTTPException(404)
    parts = [_facts(chosen), _trainings(chosen), _blocks(chosen, report)]
    if chosen.is_winner:
        parts += [part for part in list_sections(report) if part.key in _WINNERS]
    values = {
        "here": "/",
        "name": found.name,
        "candidate": chosen,
        "sections": join(place_section(part) for part in parts if part.body),
        "before": candidate_address(name, number - 1) if number > 1 else None,
        "after": candidate_address(name, number + 1) if number < len(report.candidates) else None,
    }
    return render(request, "candidate.html", values)


def _require_report(request: Request, name: str) -> tuple[Found, FitReport]:
    found = require_run(request, name)
    report = read_report(found.path)
    if report is None:
        raise HTTPException(404)
    return found, report


def _facts(chosen: Candidate) -> Section:
    row = chosen.row
    pairs = [("What became of it", f"{row.outcome.value}: {row.reason}")]
    if row.latency is not None:
        pairs.append(
            ("Latency", f"{format_ms(row.latency.ms)} ms ({latency_interval(row.latency)}), {row.latency.device}")
        )
    elif row.estimated_ms is not None:
        pairs.append(("Latency", f"about {format_ms(row.estimated_ms)} ms, estimated from its cost, not measured"))
    if row.accuracy is not None:
        seen = f"on {row.accuracy.num_images:,} pictures, {row.accuracy.pictures_from}"
        pairs.append(
            (
                f"Accuracy, {row.accuracy.metric}",
                f"{format_share(row.accuracy.value)} % ({accuracy_interval(row.accuracy)}) {seen}",
            )
        )
    pairs += [
        ("Pictures trained", f"{row.num_pictures_trained:,}"),
        ("Multiply-adds", format_count(row.madds)),
        ("Parameters", format_count(row.parameters)),
    ]
    note = "" if chosen.is_winner else "Confusion and wrong pictures are kept of the winner alone."
    return Section(key="facts", title="In figures", note=note, body=list_facts(pairs))


def _trainings(chosen: Candidate) -> Section:
    panels = [
        element("div", {"class": "training"}, element("h3", {}, title), element("div", {"class": "panels"}, *drawn))
        for place, (title, log) in enumerate(chosen.trainings)
        for drawn in [[draw_curves(p, identifier=f"t{place}-{n}") for n, p in enumerate(training_panels(log))]]
        if drawn
    ]
    return Section(key="training", title="Training", note="Each training began anew.", body=join(panels))


def _blocks(chosen: Candidate, report: FitReport) -> Section:
    if chosen.spec is None:
        return Section(key="blocks", title="Block by block", note="", body=join([]))
    device = report.latency.device
    blocks = list_blocks(chosen.spec, device)
    note = explain_blocks(blocks, device)
    return Section(key="blocks", title="Block by block", note=note, body=show_blocks(blocks, identifier="blocks"))


def _published(report: FitReport) -> Section:
    plots = for_both(partial(draw_published, report.candidates), desk=(840, 360), phone=(360, 320))
    note = (
        "What publications report for MobileNetV1 to V4 on ImageNet, by multiply-adds counted here; the number is the "
        "generation. Ticks at the foot are this run's candidates: they saw other pictures, so they have no place on "
        "the other axis."
    )
    return Section(key="published", title="The published networks", note=note, body=plots)
