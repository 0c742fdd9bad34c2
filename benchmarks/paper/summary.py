"""Each claim of the paper in one line: its ratio on the phones, and whether a device's interval meets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from paper.groups import FLOAT, INT8
from paper.nets import NO_GATES, OLD_LAST_STAGE
from paper.published import (
    LARGE,
    LAST_STAGE_SHARE,
    RELU,
    SMALL,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_5_PLAIN_MS,
    V2,
    V2_SMALL,
    WRITTEN_OUT,
)
from paper.published_dense import LARGE_16, LARGE_32, ROW_1, ROW_7, SSD_LARGE, SSD_V2, TABLE_6, TABLE_7, TABLE_8
from paper.tables import NOT_YET, Row, columns, markdown


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One ratio that the paper tells.

    Attributes:
        text: Which.
        precision: Of the files.
        group: Where it is measured.
        name: Of the network there.
        phones: The paper's ratios.
    """

    text: str
    precision: str
    group: str
    name: str
    phones: tuple[float, ...]

    def verdict(self, low: float, high: float) -> str:
        """How an interval lies to the phones' range."""
        if high < min(self.phones):
            return "lower"
        return "higher" if low > max(self.phones) else "meets"


def _quotients(a: Sequence[float], b: Sequence[float]) -> tuple[float, ...]:
    return tuple(x / y for x, y in zip(a, b, strict=True))


_BASE_MS: Final = TABLE_5[LARGE].pixel_ms
_V3_LARGE: Final = "V3-Large over V2"
_V3_SMALL: Final = "V3-Small over V2 0.35"

CLAIMS: Final = (
    Claim(
        text=_V3_LARGE,
        precision=FLOAT,
        group="table3",
        name=LARGE,
        phones=_quotients(TABLE_3[LARGE].pixel_ms, TABLE_3[V2].pixel_ms),
    ),
    Claim(
        text=_V3_SMALL,
        precision=FLOAT,
        group="table3",
        name=SMALL,
        phones=_quotients(TABLE_3[SMALL].pixel_ms, TABLE_3[V2_SMALL].pixel_ms),
    ),
    Claim(
        text="V3-Large 0.75 over V3-Large",
        precision=FLOAT,
        group="sweep_large",
        name="V3-Large 0.75",
        phones=_quotients(TABLE_3["V3-Large 0.75"].pixel_ms, TABLE_3[LARGE].pixel_ms),
    ),
    Claim(
        text="ReLU over h-swish",
        precision=FLOAT,
        group="edits",
        name=RELU,
        phones=_quotients(TABLE_5[RELU].pixel_ms, _BASE_MS),
    ),
    Claim(
        text="h-swish written out over the runtime's own",
        precision=FLOAT,
        group="edits",
        name=LARGE + WRITTEN_OUT,
        phones=_quotients((TABLE_5_PLAIN_MS[LARGE],), _BASE_MS),
    ),
    Claim(text="no SE over SE", precision=FLOAT, group="edits", name=NO_GATES, phones=(1.0,)),
    Claim(
        text="last stage before over after",
        precision=FLOAT,
        group="edits",
        name=OLD_LAST_STAGE,
        phones=(1 / (1 - LAST_STAGE_SHARE),),
    ),
    Claim(
        text="SSDLite on V3-Large halved over V2",
        precision=FLOAT,
        group="table6",
        name=SSD_LARGE,
        phones=_quotients(TABLE_6[SSD_LARGE].pixel_ms, TABLE_6[SSD_V2].pixel_ms),
    ),
    Claim(
        text="LR-ASPP on V3-Large halved over R-ASPP on V2",
        precision=FLOAT,
        group="table7",
        name=ROW_7,
        phones=_quotients(TABLE_7[ROW_7].pixel_ms, TABLE_7[ROW_1].pixel_ms),
    ),
    Claim(
        text="output stride 32 over 16, V3-Large",
        precision=FLOAT,
        group="table8",
        name=LARGE_32,
        phones=_quotients(TABLE_8[LARGE_32].pixel_ms, TABLE_8[LARGE_16].pixel_ms),
    ),
    Claim(
        text=_V3_LARGE,
        precision=INT8,
        group="table4",
        name=LARGE,
        phones=_quotients(TABLE_4[LARGE].pixel_ms, TABLE_4[V2].pixel_ms),
    ),
    Claim(
        text=_V3_SMALL,
        precision=INT8,
        group="table4",
        name=SMALL,
        phones=_quotients(TABLE_4[SMALL].pixel_ms, TABLE_4[V2_SMALL].pixel_ms),
    ),
)


def summary_table(rows: Sequence[Row], precision: str) -> list[str]:
    """A line for each claim, a column for each device."""
    claims = [claim for claim in CLAIMS if claim.precision == precision]
    found = {claim.group: columns(rows, claim.group, precision) for claim in claims}
    titles = list(dict.fromkeys(column.title for group in found.values() for column in group))
    lines = []
    for claim in claims:
        cells: dict[str, str] = {}
        for column in found[claim.group]:
            ratio = column.ratio(claim.name)
            if ratio is not None:
                told = claim.verdict(ratio["low"], ratio["high"])
                cells[column.title] = f"{ratio['ratio']:.3f}, {told}{column.star}"
        low, high = min(claim.phones), max(claim.phones)
        phones = f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}"
        lines.append([claim.text, phones, *([cells.get(title, NOT_YET) for title in titles] or [NOT_YET])])
    return markdown([precision, "phones", *(titles or ["ours"])], lines)
