"""Tables of a network that was narrowed step by step: every proposal, and what it all came to."""

from __future__ import annotations

from collections.abc import Sequence

from edgesmith.core.units import format_bytes
from edgesmith.report.content import ProposalRow, SizeRow
from edgesmith.report.markup import Html, element
from edgesmith.report.tables import cell, head_cell, row_head, tabulate
from edgesmith.report.wording import format_count, format_ms, format_share


def tabulate_proposals(rows: Sequence[ProposalRow], *, metric: str) -> Html:
    """Every proposal of every step, in the order tried; ``metric`` is the figure's name as readers see it."""
    head = [
        head_cell("Step", "number"),
        head_cell("Width and channels"),
        head_cell("Predicted, ms", "number"),
        head_cell("Measured, ms", "number"),
        head_cell(f"{metric}, %", "number"),
        head_cell("Outcome"),
    ]
    return tabulate("Proposals of all steps", head, [_proposal(row) for row in rows], kind="proposals")


def tabulate_sizes(rows: Sequence[SizeRow]) -> Html:
    """The networks below each other."""
    head = [
        head_cell("Network"),
        head_cell("Parameters", "number"),
        head_cell("MAdds", "number"),
        head_cell("File", "number"),
        head_cell("Latency, ms", "number"),
    ]
    body = [
        element(
            "tr",
            {},
            row_head(row.name),
            cell(format_count(row.parameters), "number"),
            cell(format_count(row.madds), "number"),
            cell(format_bytes(row.file_size_bytes), "number"),
            cell(format_ms(row.ms), "number"),
        )
        for row in rows
    ]
    return tabulate("Costs before and after", head, body, kind="sizes")


def _proposal(row: ProposalRow) -> Html:
    outcome = "accepted" if row.accepted else row.note or "not chosen"
    return element(
        "tr",
        {"class": "winner" if row.accepted else None},
        cell(str(row.step), "number"),
        row_head(row.change),
        cell(f"{row.predicted_ms:.3f}", "number"),
        cell("" if row.measured_ms is None else f"{row.measured_ms:.3f}", "number"),
        cell("" if row.accuracy is None else format_share(row.accuracy), "number"),
        cell(outcome),
    )
