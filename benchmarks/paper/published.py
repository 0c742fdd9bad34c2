"""What "Searching for MobileNetV3" prints of speed, as it stands in its tables and text; nothing here was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One line of a table.

    Attributes:
        top1: Per cent of ImageNet's validation pictures.
        pixel_ms: Milliseconds on Pixel 1, 2 and 3; table 5 has Pixel 1 alone.
        madds_m: Millions of multiply-adds, where the table has them.
        params_m: Millions of parameters, where the table has them.
    """

    top1: float
    pixel_ms: tuple[float, ...]
    madds_m: float | None = None
    params_m: float | None = None


LARGE: Final = "V3-Large 1.0"
SMALL: Final = "V3-Small 1.0"
V2: Final = "V2 1.0"
V2_SMALL: Final = "V2 0.35"

TABLE_3: Final[Mapping[str, Figures]] = MappingProxyType(
    {
        LARGE: Figures(top1=75.2, madds_m=219, params_m=5.4, pixel_ms=(51, 61, 44)),
        "V3-Large 0.75": Figures(top1=73.3, madds_m=155, params_m=4.0, pixel_ms=(39, 46, 40)),
        "MnasNet-A1": Figures(top1=75.2, madds_m=315, params_m=3.9, pixel_ms=(71, 86, 61)),
        "Proxyless": Figures(top1=74.6, madds_m=320, params_m=4.0, pixel_ms=(72, 84, 60)),
        V2: Figures(top1=72.0, madds_m=300, params_m=3.4, pixel_ms=(64, 76, 56)),
        SMALL: Figures(top1=67.4, madds_m=66, params_m=2.9, pixel_ms=(15.8, 19.4, 14.4)),
        "V3-Small 0.75": Figures(top1=65.4, madds_m=44, params_m=2.4, pixel_ms=(12.8, 15.6, 11.7)),
        "Mnas-small": Figures(top1=64.9, madds_m=65.1, params_m=1.9, pixel_ms=(20.3, 24.2, 17.2)),
        V2_SMALL: Figures(top1=60.8, madds_m=59.2, params_m=1.6, pixel_ms=(16.6, 19.6, 13.9)),
    }
)

TABLE_4: Final[Mapping[str, Figures]] = MappingProxyType(
    {
        LARGE: Figures(top1=73.8, pixel_ms=(44, 42.5, 31.7)),
        V2: Figures(top1=70.9, pixel_ms=(52, 48.3, 37.0)),
        SMALL: Figures(top1=64.9, pixel_ms=(15.5, 14.9, 10.7)),
        V2_SMALL: Figures(top1=57.2, pixel_ms=(16.7, 15.6, 11.9)),
    }
)

RELU: Final = "ReLU only"
SWISH_16: Final = "h-swish@16"
SWISH_112: Final = "h-swish@112"
WRITTEN_OUT: Final = ", h-swish written out"

TABLE_5: Final[Mapping[str, Figures]] = MappingProxyType(
    {
        LARGE: Figures(top1=75.2, pixel_ms=(51.4,)),
        RELU: Figures(top1=74.5, pixel_ms=(50.5,)),
        SWISH_16: Figures(top1=75.4, pixel_ms=(53.5,)),
        SWISH_112: Figures(top1=75.0, pixel_ms=(51,)),
    }
)
# The table's last column, "unoptimised h-swish"; without h-swish there is nothing to optimise.
TABLE_5_PLAIN_MS: Final[Mapping[str, float]] = MappingProxyType(
    {LARGE: 57.5, RELU: 50.5, SWISH_16: 68.9, SWISH_112: 54.4}
)

# Abstract: V3-Large against V2 at 3.2 points more, V3-Small against a V2 of comparable latency.
ABSTRACT_FASTER: Final = 0.20
ABSTRACT_POINTS: Final = 6.6
# Section 5.1: the efficient last stage, of the run time with the old one; the narrower stem has no such share.
LAST_STAGE_MS: Final = 7
LAST_STAGE_SHARE: Final = 0.11
STEM_MS: Final = 2
