"""The networks of each table and figure: what they are called there, what they are here, what each is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.edits.ablation import hswish_from, last_stage, no_se, relu_only, se, stem
from edgesmith.arch.zoo.names import find
from paper.dense import table_6, table_6_small, table_7, table_8
from paper.groups import FLOAT, INT8, Entry, Group, zoo_entry
from paper.published import LARGE, RELU, SMALL, SWISH_16, SWISH_112, V2, V2_SMALL, WRITTEN_OUT

# What a file was made under.
WHOLE: Final = "all int8"
SWISH_FLOAT: Final = "hard-swish in float"
FLOAT_PLAN: Final = "float"

WIDTHS: Final = (0.35, 0.5, 0.75, 1.0, 1.25)
RESOLUTIONS: Final = (96, 128, 160, 192, 224, 256)
# Widths and resolutions of V2 that cost about what V3-Small does; each has an accuracy in TensorFlow's README.
LADDER: Final = (
    "width=0.35,resolution=192", "width=1.0,resolution=96", "width=0.5,resolution=160", "width=0.35,resolution=224",
    "width=0.75,resolution=128", "width=0.5,resolution=192", "width=0.5,resolution=224", "width=1.0,resolution=128",
    "width=0.75,resolution=160",
)  # fmt: skip

OLD_LAST_STAGE: Final = "last stage before"
WIDE_STEM: Final = "stem of 32"
NO_GATES: Final = "no SE"
INPUT_GATES: Final = "SE at 1/4 of the input"


def _table_3() -> tuple[Entry, ...]:
    return (
        zoo_entry(LARGE, "mobilenet_v3_large", V2),
        zoo_entry("V3-Large 0.75", "mobilenet_v3_large@width=0.75", V2),
        zoo_entry("MnasNet-A1", "mnasnet_a1", V2),
        zoo_entry(V2, "mobilenet_v2", V2),
        zoo_entry(SMALL, "mobilenet_v3_small", V2_SMALL),
        zoo_entry("V3-Small 0.75", "mobilenet_v3_small@width=0.75", V2_SMALL),
        zoo_entry("Mnas-small", "mnasnet_small", V2_SMALL),
        zoo_entry(V2_SMALL, "mobilenet_v2@width=0.35", V2_SMALL),
    )


def _table_4() -> tuple[Entry, ...]:
    kept = (LARGE, V2, SMALL, V2_SMALL)
    return tuple(entry for entry in _table_3() if entry.name in kept)


def _edits() -> tuple[Entry, ...]:
    large = find("mobilenet_v3_large")
    swishes = {LARGE: large, SWISH_16: hswish_from(large, 1), SWISH_112: hswish_from(large, 11)}
    specs = {
        **swishes,
        RELU: relu_only(large),
        OLD_LAST_STAGE: last_stage(large, "original"),
        WIDE_STEM: stem(large, 32),
        NO_GATES: no_se(large),
        INPUT_GATES: se(large, 0.25, of="input"),
    }
    return (
        *(Entry(name=name, spec=spec, against=LARGE) for name, spec in specs.items()),
        *(Entry(name=name + WRITTEN_OUT, spec=spec, against=LARGE, plain=True) for name, spec in swishes.items()),
    )


def _sweep(name: str, text: str) -> tuple[Entry, ...]:
    whole = f"{name} 1.0"
    return (
        *(zoo_entry(f"{name} {width}", f"{text}@width={width}", whole) for width in WIDTHS),
        *(
            zoo_entry(f"{name} 1.0 at {side}", f"{text}@resolution={side}", whole)
            for side in RESOLUTIONS
            if side != 224
        ),
    )


def _ladder() -> tuple[Entry, ...]:
    return (
        zoo_entry(SMALL, "mobilenet_v3_small", SMALL),
        *(zoo_entry(ladder_name(options), f"mobilenet_v2@{options}", SMALL) for options in LADDER),
    )


def ladder_name(options: str) -> str:
    """``V2 0.5 at 160`` of ``width=0.5,resolution=160``."""
    values = dict(part.split("=") for part in options.split(","))
    return f"V2 {values['width']} at {values['resolution']}"


GROUPS: Final[Mapping[str, Group]] = MappingProxyType(
    {
        "table3": Group(entries=_table_3(), precisions=(FLOAT,)),
        "table4": Group(entries=_table_4(), precisions=(INT8,), beside_float=True),
        "edits": Group(entries=_edits()),
        "ladder": Group(entries=_ladder()),
        "sweep_large": Group(entries=_sweep("V3-Large", "mobilenet_v3_large"), precisions=(FLOAT,)),
        "sweep_small": Group(entries=_sweep("V3-Small", "mobilenet_v3_small"), precisions=(FLOAT,)),
        "table6": Group(entries=table_6(), precisions=(FLOAT,)),
        "table6_small": Group(entries=table_6_small(), precisions=(FLOAT,)),
        "table7": Group(entries=table_7(), precisions=(FLOAT,)),
        "table8": Group(entries=table_8(), precisions=(FLOAT,)),
    }
)
