"""Every point of every space is a legal network and is found again; the nets that a space is built around are in it."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.network import trace_network
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.space.presets import SPACES, find_space
from edgesmith.arch.space.published import accel_space, macro_space, ofa_space
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import SpecError, UsageError

ALL = {name: find_space(name) for name in SPACES} | {
    space.name: space for space in (macro_space(), accel_space(), ofa_space())
}
HOMES = {
    "mobilenet_v3_large": "mobilenet_v3_large",
    "mobilenet_v3_small": "mobilenet_v3_small",
    "mobilenet_v2": "mobilenet_v2",
    "mnasnet_a1": "mnasnet",
}


def same_net(first: NetSpec, second: NetSpec) -> bool:
    return model_hash(first) == model_hash(second)


def point_of(space: StagedSpace, numbers: Mapping[str, int]) -> Encoding:
    """A point by the numbers of some options, the first of all others."""
    assert numbers.keys() <= {choice.name for choice in space.choices}
    return tuple(numbers.get(choice.name, 0) for choice in space.choices)


@pytest.mark.parametrize("name", ALL)
def test_points_are_legal_networks_and_are_found_again(name: str) -> None:
    space, rng = ALL[name], np.random.default_rng(0)
    for _ in range(20):
        point = space.sample(rng)
        spec = space.decode(point)
        trace_network(spec)
        assert same_net(space.decode(space.encode(spec)), spec)


@pytest.mark.parametrize("name", ALL)
def test_choices_without_effect_have_none(name: str) -> None:
    space, rng = ALL[name], np.random.default_rng(1)
    for _ in range(20):
        point = tuple(int(rng.integers(len(choice.options))) for choice in space.choices)
        assert same_net(space.decode(point), space.decode(space.normal(point)))


@pytest.mark.parametrize(("net", "home"), HOMES.items())
def test_published_nets_are_points_of_their_space(net: str, home: str) -> None:
    spec, space = find(net), ALL[home]
    assert same_net(space.decode(space.encode(spec)), spec)


def test_a_net_outside_is_told_from_which_block_on() -> None:
    space, spec = ALL["mobilenet_v3_small"], find("mobilenet_v3_small")
    block = spec.blocks[3]
    assert isinstance(block, InvertedResidual)
    odd = spec.with_block(3, replace(block, expand_channels=89))
    assert not space.contains(odd)
    with pytest.raises(SpecError, match="no option fits block 3"):
        space.encode(odd)
    with pytest.raises(SpecError, match="its resolution is none of"):
        space.encode(spec.with_resolution(225))
    with pytest.raises(SpecError, match="num_classes is 10, not 1000"):
        space.encode(spec.with_num_classes(10))


def test_an_unknown_space_is_answered_with_the_choices() -> None:
    with pytest.raises(UsageError, match="unknown search space 'mobilenet_v3'"):
        find_space("mobilenet_v3")


def test_a_stage_of_the_factorised_space_has_the_papers_432_choices() -> None:
    """MnasNet, section 4.1; a first or last stage of one layer has fewer depths, a narrow one fewer widths."""
    counts = [
        prod(len(options) for options in (*stage.common.values(), stage.widths, stage.depths))
        for stage in find_space("mnasnet").stages
    ]
    assert max(counts[:4]) == counts[2] == counts[3] == 432


def macro_point(code: str) -> Encoding:
    places = [(stage, layer) for stage, count in ((1, 2), (2, 3), (3, 3)) for layer in range(1, count + 1)]
    numbers = {f"stage{stage}.layer{layer}.operator": int(c) for (stage, layer), c in zip(places, code, strict=True)}
    return point_of(macro_space(), numbers)


def test_macro_nets_have_the_counts_of_the_table(shared_dir: Path) -> None:
    table: dict[str, Any] = json.loads((shared_dir / "data/nas-bench-macro/nas-bench-macro_cifar10.json").read_text())
    space = macro_space()
    assert space.size == len(table)
    for code in list(table)[::97]:
        cost = count_total(space.decode(macro_point(code)))
        assert (cost.parameters, cost.madds) == (table[code]["params"], table[code]["flops"])


def accel_point(row: Mapping[str, str]) -> Encoding:
    options = {"e": ("1", "4", "6"), "k": ("3", "5"), "l": ("1", "2", "3", "4"), "se": ("0", "1")}
    names = {"e": "expansion", "k": "kernel_size", "l": "depth", "se": "gating"}
    numbers = {
        f"stage{block + 1}.{names[key]}": options[key].index(row[f"b{block}_{key}"])
        for block in range(7)
        for key in options
    }
    return point_of(accel_space(), numbers)


def test_accel_nets_have_the_parameters_of_the_table(shared_dir: Path) -> None:
    with gzip.open(shared_dir / "data/accel-nasbench/accel_nasbench.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    for row in rows[::251]:
        parameters = count_total(accel_space().decode(accel_point(row))).parameters
        assert parameters / 1e6 == pytest.approx(float(row["params_m"]), abs=1e-6)


def test_help_nets_are_points_of_the_ofa_space(shared_dir: Path) -> None:
    space = ofa_space()
    with gzip.open(shared_dir / "data/help-latency/ofa_mbv3_latency.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    for row in rows[::251]:
        kernels, expansions, depths = ([int(word) for word in row[key].split()] for key in ("ks", "e", "d"))
        numbers = {"resolution": (int(row["r"]) - 128) // 4}
        for stage in range(5):
            numbers[f"stage{stage + 2}.depth"] = depths[stage] - 2
            for layer in range(4):
                name = f"stage{stage + 2}.layer{layer + 1}"
                numbers[f"{name}.kernel_size"] = (3, 5, 7).index(kernels[4 * stage + layer])
                numbers[f"{name}.expansion"] = (3, 4, 6).index(expansions[4 * stage + layer])
        spec = space.decode(point_of(space, numbers))
        assert len(spec.blocks) == 3 + sum(depths)
        assert spec.resolution == (int(row["r"]), int(row["r"]))
        assert same_net(space.decode(space.encode(spec)), spec)
