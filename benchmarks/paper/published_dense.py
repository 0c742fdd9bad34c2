"""What "Searching for MobileNetV3" prints of detection and segmentation, as it stands in its tables 6, 7 and 8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, kw_only=True)
class DenseFigures:
    """One line of a table.

    Attributes:
        score: Per cent: mAP on COCO's test pictures, or mIoU on Cityscapes' validation (table 8: test) pictures.
        pixel_ms: Milliseconds on one phone: Pixel 1 in table 6, Pixel 3 in tables 7 and 8, there at 512x1024.
        params_m: Millions of parameters, where the table has them.
        madds_g: Milliards of multiply-adds, in tables 7 and 8 at 1024x2048.
    """

    score: float
    pixel_ms: tuple[float, ...]
    madds_g: float
    params_m: float | None = None


# SSDLite at 320x320; "halved" is the table's dagger.
SSD_V2: Final = "V2"
SSD_MNASNET: Final = "MnasNet-A1"
SSD_LARGE_FULL: Final = "V3-Large"
SSD_LARGE: Final = "V3-Large, halved"
SSD_V2_SMALL: Final = "V2 0.35"
SSD_SMALL_FULL: Final = "V3-Small"
SSD_SMALL: Final = "V3-Small, halved"

TABLE_6: Final[Mapping[str, DenseFigures]] = MappingProxyType(
    {
        SSD_V2: DenseFigures(score=22.1, pixel_ms=(162,), params_m=4.3, madds_g=0.80),
        SSD_MNASNET: DenseFigures(score=23.0, pixel_ms=(174,), params_m=4.88, madds_g=0.84),
        SSD_LARGE_FULL: DenseFigures(score=22.0, pixel_ms=(137,), params_m=4.97, madds_g=0.62),
        SSD_LARGE: DenseFigures(score=22.0, pixel_ms=(119,), params_m=3.22, madds_g=0.51),
        SSD_V2_SMALL: DenseFigures(score=13.7, pixel_ms=(66,), params_m=0.93, madds_g=0.16),
        SSD_SMALL_FULL: DenseFigures(score=16.0, pixel_ms=(52,), params_m=2.49, madds_g=0.21),
        SSD_SMALL: DenseFigures(score=16.1, pixel_ms=(43,), params_m=1.77, madds_g=0.16),
    }
)

# Table 7 by its row: backbone, RF2 (here "halved"), decoder, filters.
ROW_1: Final = "V2, R-ASPP 256"
ROW_2: Final = "V2 halved, R-ASPP 256"
ROW_3: Final = "V2 halved, LR-ASPP 256"
ROW_4: Final = "V2 halved, LR-ASPP 128"
ROW_5: Final = "V3-Large, R-ASPP 256"
ROW_6: Final = "V3-Large halved, R-ASPP 256"
ROW_7: Final = "V3-Large halved, LR-ASPP 256"
ROW_8: Final = "V3-Large halved, LR-ASPP 128"
ROW_9: Final = "V2 0.5 halved, LR-ASPP 128"
ROW_10: Final = "V2 0.35 halved, LR-ASPP 128"
ROW_11: Final = "V3-Small halved, LR-ASPP 128"

TABLE_7: Final[Mapping[str, DenseFigures]] = MappingProxyType(
    {
        ROW_1: DenseFigures(score=72.84, params_m=2.11, madds_g=21.29, pixel_ms=(1020,)),
        ROW_2: DenseFigures(score=72.56, params_m=1.15, madds_g=13.68, pixel_ms=(793,)),
        ROW_3: DenseFigures(score=72.97, params_m=1.02, madds_g=12.83, pixel_ms=(786,)),
        ROW_4: DenseFigures(score=72.74, params_m=0.98, madds_g=12.57, pixel_ms=(766,)),
        ROW_5: DenseFigures(score=72.64, params_m=3.60, madds_g=18.43, pixel_ms=(906,)),
        ROW_6: DenseFigures(score=71.91, params_m=1.76, madds_g=11.24, pixel_ms=(668,)),
        ROW_7: DenseFigures(score=72.37, params_m=1.63, madds_g=10.33, pixel_ms=(659,)),
        ROW_8: DenseFigures(score=72.36, params_m=1.51, madds_g=9.74, pixel_ms=(657,)),
        ROW_9: DenseFigures(score=68.57, params_m=0.28, madds_g=4.00, pixel_ms=(415,)),
        ROW_10: DenseFigures(score=66.83, params_m=0.16, madds_g=2.54, pixel_ms=(354,)),
        ROW_11: DenseFigures(score=68.38, params_m=0.47, madds_g=2.90, pixel_ms=(327,)),
    }
)

LARGE_16: Final = "V3-Large, output stride 16"
LARGE_32: Final = "V3-Large, output stride 32"
SMALL_16: Final = "V3-Small, output stride 16"
SMALL_32: Final = "V3-Small, output stride 32"

TABLE_8: Final[Mapping[str, DenseFigures]] = MappingProxyType(
    {
        LARGE_16: DenseFigures(score=72.6, madds_g=9.74, pixel_ms=(657,)),
        LARGE_32: DenseFigures(score=72.0, madds_g=7.74, pixel_ms=(534,)),
        SMALL_16: DenseFigures(score=69.4, madds_g=2.90, pixel_ms=(327,)),
        SMALL_32: DenseFigures(score=68.3, madds_g=2.06, pixel_ms=(275,)),
    }
)
