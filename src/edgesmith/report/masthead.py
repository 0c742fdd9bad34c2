"""The top of the page: the verdict and the four figures that carry it."""

from __future__ import annotations

from edgesmith.core.units import format_bytes, format_duration
from edgesmith.report.bars import draw_gauge
from edgesmith.report.content import FitReport
from edgesmith.report.markup import Html, element, join
from edgesmith.report.tables import name_model
from edgesmith.report.wording import (
    accuracy_interval,
    broken_limits,
    format_ms,
    format_share,
    latency_interval,
    plural,
    total_times,
    verdict,
    where,
)


def show_masthead(report: FitReport) -> Html:
    """Verdict, model, what is amiss if anything is, and the figures."""
    broken = broken_limits(report)
    kind, words = ("missed", "\N{BALLOT X} budget missed") if broken else ("met", "\N{CHECK MARK} budget met")
    stamp = element("span", {"class": f"stamp {kind}"}, words)
    warnings = [line[0].upper() + line[1:] + "." for line in broken]
    if report.conditions.contended:
        warnings.append(
            "Other programs took part of the processor while this was measured: measure again on an idle machine."
        )
    return element(
        "header",
        {"class": "masthead"},
        element("p", {"class": "kicker"}, element("span", {}, f"edgesmith {report.verb}: {report.data}"), stamp),
        element("h1", {}, _headline(report)),
        element("p", {"class": "lead"}, name_model(report.model.name), f" {verdict(report)}."),
        *(element("p", {}, f"{remark[0].upper()}{remark[1:]}.") for remark in report.remarks),
        *(element("p", {"class": "warning"}, warning) for warning in warnings),
        element("dl", {"class": "figures"}, _latency(report), _accuracy(report), _file(report), _time(report)),
    )


def _headline(report: FitReport) -> str:
    latency, share = format_ms(report.latency.ms), format_share(report.accuracy.value)
    if report.place_scores:
        return f"{share} % {report.accuracy.metric} on new pictures, in {latency} ms each"
    return f"{share} % of new pictures right, in {latency} ms each"


def _figure(name: str, value: str, unit: str, gauge: Html, *notes: str) -> Html:
    number = element("span", {"class": "value"}, value, element("span", {"class": "unit"}, f" {unit}"))
    lines = [element("span", {"class": "note"}, note) for note in notes]
    return element("div", {}, element("dt", {}, name), element("dd", {}, number, gauge, *lines))


def _latency(report: FitReport) -> Html:
    latency, limit = report.latency, report.budget.latency_ms
    most = 1.15 * max(latency.high_ms, limit or 0.0)
    gauge = draw_gauge(latency.ms, low=latency.low_ms, high=latency.high_ms, limit=limit, most=most)
    of_limit = f"budget {limit:g} ms" if limit is not None else "no limit"
    return _figure(
        "Latency", format_ms(latency.ms), "ms", gauge, f"{latency_interval(latency)} ms", of_limit, where(latency)
    )


def _accuracy(report: FitReport) -> Html:
    accuracy = report.accuracy
    gauge = draw_gauge(accuracy.value, low=accuracy.low, high=accuracy.high, limit=None, most=1)
    pictures = f"{plural(accuracy.num_images, 'picture')} of {accuracy.pictures_from}, scored once"
    name = f"Accuracy, {accuracy.metric}"
    return _figure(name, format_share(accuracy.value), "%", gauge, accuracy_interval(accuracy), pictures)


def _file(report: FitReport) -> Html:
    size, limit = report.model.file_size_bytes, report.budget.size_bytes
    value, unit = format_bytes(size).split(" ")
    notes = [report.model.file_path.rsplit("/", 1)[-1], f"{report.model.height} by {report.model.width} pixels in"]
    if limit is None:
        return _figure("File", value, unit, element("div", {"class": "bar"}), *notes)
    gauge = draw_gauge(size, low=size, high=size, limit=limit, most=1.15 * max(size, limit))
    return _figure("File", value, unit, gauge, *notes, f"limit {format_bytes(limit)}")


def _time(report: FitReport) -> Html:
    if not report.stages:
        return join([])
    total = total_times(report)
    value, _, unit = format_duration(total.actual_s).partition(" ")
    most = 1.15 * max(total.actual_s, total.forecast_s) or 1.0
    gauge = draw_gauge(total.actual_s, low=total.actual_s, high=total.actual_s, limit=total.forecast_s, most=most)
    return _figure("Time", value, unit, gauge, f"forecast {format_duration(total.forecast_s)}")
