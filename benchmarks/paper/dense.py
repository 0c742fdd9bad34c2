"""The detectors and segmenters of tables 6, 7 and 8, and what each is compared with."""

from __future__ import annotations

from paper.groups import Entry, zoo_entry
from paper.published_dense import (
    LARGE_16,
    LARGE_32,
    ROW_1,
    ROW_2,
    ROW_3,
    ROW_4,
    ROW_5,
    ROW_6,
    ROW_7,
    ROW_8,
    ROW_9,
    ROW_10,
    ROW_11,
    SMALL_16,
    SMALL_32,
    SSD_LARGE,
    SSD_LARGE_FULL,
    SSD_MNASNET,
    SSD_SMALL,
    SSD_SMALL_FULL,
    SSD_V2,
    SSD_V2_SMALL,
)

_V2 = "aspp_mobilenet_v2"
_LIGHT = f"{_V2}@tail=halved,decoder=lr_aspp"


def table_6() -> tuple[Entry, ...]:
    """The large detectors at 320x320 with the classes of COCO, against V2."""
    return (
        zoo_entry(SSD_V2, "ssdlite_mobilenet_v2", SSD_V2),
        zoo_entry(SSD_MNASNET, "ssdlite_mnasnet_a1", SSD_V2),
        zoo_entry(SSD_LARGE_FULL, "ssdlite_mobilenet_v3_large@tail=full", SSD_V2),
        zoo_entry(SSD_LARGE, "ssdlite_mobilenet_v3_large", SSD_V2),
    )


def table_6_small() -> tuple[Entry, ...]:
    """The small ones, against V2 0.35."""
    return (
        zoo_entry(SSD_V2_SMALL, "ssdlite_mobilenet_v2@width=0.35", SSD_V2_SMALL),
        zoo_entry(SSD_SMALL_FULL, "ssdlite_mobilenet_v3_small@tail=full", SSD_V2_SMALL),
        zoo_entry(SSD_SMALL, "ssdlite_mobilenet_v3_small", SSD_V2_SMALL),
    )


def table_7() -> tuple[Entry, ...]:
    """Decoders at 512x1024 with the classes of Cityscapes; the large against row 1, the small against row 10."""
    return (
        zoo_entry(ROW_1, _V2, ROW_1),
        zoo_entry(ROW_2, f"{_V2}@tail=halved", ROW_1),
        zoo_entry(ROW_3, _LIGHT, ROW_1),
        zoo_entry(ROW_4, f"{_LIGHT},filters=128", ROW_1),
        zoo_entry(ROW_5, "raspp_mobilenet_v3_large", ROW_1),
        zoo_entry(ROW_6, "raspp_mobilenet_v3_large@tail=halved", ROW_1),
        zoo_entry(ROW_7, "lraspp_mobilenet_v3_large@filters=256", ROW_1),
        zoo_entry(ROW_8, "lraspp_mobilenet_v3_large", ROW_1),
        zoo_entry(ROW_9, f"{_LIGHT},filters=128,width=0.5", ROW_10),
        zoo_entry(ROW_10, f"{_LIGHT},filters=128,width=0.35", ROW_10),
        zoo_entry(ROW_11, "lraspp_mobilenet_v3_small", ROW_10),
    )


def table_8() -> tuple[Entry, ...]:
    """The paper's two segmenters with a coarse map of half the size, against themselves."""
    return (
        zoo_entry(LARGE_16, "lraspp_mobilenet_v3_large", LARGE_16),
        zoo_entry(LARGE_32, "lraspp_mobilenet_v3_large@stride=32", LARGE_16),
        zoo_entry(SMALL_16, "lraspp_mobilenet_v3_small", SMALL_16),
        zoo_entry(SMALL_32, "lraspp_mobilenet_v3_small@stride=32", SMALL_16),
    )
