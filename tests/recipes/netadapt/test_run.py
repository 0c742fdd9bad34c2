"""Whole runs on a device without a machine: steps, killed and gone on with, refused, and what is told of them."""

from __future__ import annotations

import itertools
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.edits.widths import widths_of, with_width
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import BudgetError, UsageError
from edgesmith.core.files import read_json, read_lines
from edgesmith.core.units import format_duration
from edgesmith.deploy.bundle import open_bundle
from edgesmith.recipes.netadapt import run as runs
from edgesmith.recipes.netadapt.config import NetAdaptConfig
from edgesmith.recipes.netadapt.result import NetAdaptResult
from edgesmith.recipes.netadapt.run import netadapt
from edgesmith.recipes.netadapt.walk import Walk
from edgesmith.recipes.quickstart import write_digits
from tests.devices.blocks.fakes import additive
from tests.notes import Notes
from tests.recipes.netadapt.fakes import Counting, Deadly, Elsewhere, FolderDevice, Killing, small_net, write_net

SETTINGS = ("workers=0", "replicas=1", "schedule.warmup_pictures=64", "batch_size=32", "resolution_steps=1")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pictures of each of three digits, of which ten are for validation."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder / "all.zip")
    with zipfile.ZipFile(folder / "all.zip") as whole, zipfile.ZipFile(folder / "some.zip", "w") as part:
        for split, count in (("train", 60), ("val", 10)):
            for label in "017":
                names = [name for name in whole.namelist() if name.startswith(f"{split}/{label}/")]
                for name in names[:count]:
                    part.writestr(name, whole.read(name))
    return folder / "some.zip"


def config(digits: Path, **changes: Any) -> NetAdaptConfig:
    base = NetAdaptConfig(
        model=str(write_net(digits.parent)),
        data=str(digits),
        budget="0.9x",
        time="10s",
        weights="none",
        delta=0.04,
        steps_pictures=64,
        settings=SETTINGS,
    )
    return replace(base, **changes)


@pytest.fixture(scope="module")
def whole(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NetAdaptResult, Counting]:
    """A run that nothing disturbed, but for one proposal whose worker died."""
    out, executor = tmp_path_factory.mktemp("runs") / "whole", Counting(give_up=(1,))
    result = netadapt(config(digits), out=out, executor=executor, device=FolderDevice())
    return out, result, executor


def test_it_lands_just_under_its_budget(whole: tuple[Path, NetAdaptResult, Counting]) -> None:
    _, result, _ = whole
    seed = small_net().with_num_classes(3)
    assert result.met
    assert result.spec != seed
    assert 0.97 <= additive(result.spec) / additive(seed) / 0.9 <= 1.0


def test_case_p4_what_is_left_is_smaller_in_every_figure_and_told(
    whole: tuple[Path, NetAdaptResult, Counting],
) -> None:
    out, result, _ = whole
    seed, final = result.sizes["seed"], result.sizes["final"]
    for name in ("parameters", "madds", "file_size_bytes", "ms"):
        assert final[name] < seed[name], name
    cost = count_total(result.spec)
    assert (final["parameters"], final["madds"]) == (cost.parameters, cost.madds)
    file = open_bundle(result.bundle).manifest.files[0]
    assert final["file_size_bytes"] == (result.bundle / file.path).stat().st_size
    page = (out / "report.html").read_text()
    assert "Before and after" in page
    assert all(f"{sizes['parameters']:,}" in page for sizes in (seed, final))


def test_each_choice_is_the_flattest_slope_of_all_that_were_tried(
    whole: tuple[Path, NetAdaptResult, Counting],
) -> None:
    out, result, _ = whole
    rows = read_lines(out / "proposals.jsonl")
    before_ms, number = float(read_json(out / "stages" / "seed.json")["result"]["ms"]), 1
    before = float(read_json(out / "stages" / "tune.json")["result"]["accuracy"])
    while step := [row for row in rows if row["step"] == number]:
        (taken,) = [row for row in step if row["accepted"]]
        scored = [row for row in step if row["accuracy"] is not None and not row["note"]]
        slopes = [(row["accuracy"] - before) / (before_ms - row["predicted_ms"]) for row in scored]
        assert (taken["accuracy"] - before) / (before_ms - taken["predicted_ms"]) == max(slopes)
        place = read_json(out / "stages" / f"step-{number:02d}.json")["result"]["place"]
        before_ms, before, number = place["ms"], place["accuracy"], number + 1
    assert number - 1 == len(result.steps) - 1 >= 2


def test_every_step_is_a_bundle_of_a_family(whole: tuple[Path, NetAdaptResult, Counting]) -> None:
    _, result, _ = whole
    manifests = [open_bundle(step).manifest for step in result.steps]
    times = [additive(manifest.spec) for manifest in manifests]
    assert times == sorted(times, reverse=True)
    assert manifests[-1].spec == result.spec
    assert {manifest.metrics["split"] for manifest in manifests} == {"held-out fifth of train"}
    assert all(width.channels % 8 == 0 for width in widths_of(result.spec))


def test_the_json_is_the_documented_one(whole: tuple[Path, NetAdaptResult, Counting]) -> None:
    out, result, executor = whole
    data = json.loads(json.dumps(result.to_json()))
    keys = {
        "bundle",
        "report",
        "budget_ms",
        "met",
        "latency",
        "metrics",
        "spec",
        "forecast_s",
        "actual_s",
        "candidates",
    }
    assert keys <= set(data)
    assert json.loads((out / "result.json").read_text()) == data
    assert len(data["candidates"]) == len(executor.jobs) == len(read_lines(out / "proposals.jsonl"))
    for each in data["candidates"]:
        assert {"model_hash", "metrics", "latency", "accepted"} <= set(each)
        assert isinstance(each["latency"], list)
        assert each["latency"] or not each["accepted"]
    assert data["metrics"]["split"] == "val"
    assert f"(forecast {format_duration(result.forecast_s)})" in " ".join(result.summary)


def test_a_proposal_whose_worker_dies_is_left_out_with_a_note(whole: tuple[Path, NetAdaptResult, Counting]) -> None:
    out, _, _ = whole
    lost = [row for row in read_lines(out / "proposals.jsonl") if row["accuracy"] is None]
    assert [row["note"] for row in lost] == ["left out: its worker died twice"]
    assert "its worker died twice" in (out / "report.html").read_text()


@pytest.mark.slow
def test_a_process_that_is_killed_costs_its_proposal_one_more_try_and_then_the_proposal(
    digits: Path, tmp_path: Path
) -> None:
    """Real processes, killed by -9: proposal 1 of the first step once, proposal 2 each time."""
    work = Deadly(log=tmp_path / "begun.txt", deaths=(("01/01", 1), ("01/02", 9)))
    executor = Killing(work)
    try:
        result = netadapt(config(digits), out=tmp_path / "run", executor=executor, device=FolderDevice())
    finally:
        executor.close()
    begun = work.log.read_text().split()
    rows = {f"{row['step']:02d}/{row['proposal']:02d}": row for row in read_lines(tmp_path / "run" / "proposals.jsonl")}
    assert result.met
    assert sorted(begun) == sorted([*rows, "01/01", "01/02"])
    assert (rows["01/01"]["note"], rows["01/01"]["accuracy"] is None) == ("", False)
    assert (rows["01/02"]["note"], rows["01/02"]["accuracy"]) == ("left out: its worker died twice", None)


@pytest.mark.slow
def test_every_proposal_that_was_tuned_is_measured_or_it_is_said_that_there_was_no_time(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step has an hour, the others nothing."""
    hours = itertools.chain([3600.0], itertools.repeat(0.0))
    monkeypatch.setattr(runs, "Walk", lambda ground, costs, _: Walk(ground, costs, lambda: next(hours)))
    progress = Notes()
    netadapt(config(digits), out=tmp_path / "run", device=FolderDevice(), progress=progress)
    rows, seed = read_lines(tmp_path / "run" / "proposals.jsonl"), small_net().with_num_classes(3)
    seed_ms = read_json(tmp_path / "run" / "stages" / "seed.json")["result"]["ms"]
    widths = {width.name: width for width in widths_of(seed)}
    first = [row for row in rows if row["step"] == 1]
    assert len(first) > 3
    for row in first:
        narrower = with_width(seed, widths[row["change"]], row["to_channels"])
        assert row["measured_ms"] == pytest.approx(seed_ms * additive(narrower) / additive(seed), rel=1e-6)
    later = [row for row in rows if row["step"] > 1 and row["measured_ms"] is None]
    assert later
    assert "step 2: no time to measure every proposal: only the best by the rule are" in progress.lines
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count("there was no time to measure it") == len(later)
    assert not list((tmp_path / "run").rglob("trials/files"))


@pytest.mark.slow
def test_workers_that_were_started_elsewhere_find_what_was_named_by_relative_paths(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "some.zip").write_bytes(digits.read_bytes())
    write_net(tmp_path)
    monkeypatch.chdir(tmp_path)
    wanted = config(digits, model="small.json", data="some.zip")
    result = netadapt(wanted, out=Path("run"), executor=Elsewhere(folder=tmp_path / "elsewhere"), device=FolderDevice())
    assert result.met
    assert all(each["metrics"] for each in result.candidates)
    assert not list((tmp_path / "elsewhere").iterdir())


FAMILIES = (
    "mobilenet_v1@width=0.25",
    "mobilenet_v2@width=0.35",
    "mobilenet_v3_small@width=0.35",
    "mobilenet_v3_small_minimalistic@width=0.35",
    "mnasnet_a1@width=0.35",
    "mobilenet_v4_conv_small@width=0.35",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_whole_runs_of_every_family_land_under_their_budget(digits: Path, tmp_path: Path, name: str) -> None:
    wanted = config(digits, model=f"{name},resolution=32", budget="0.93x", delta=0.05, steps_pictures=32)
    result = netadapt(wanted, out=tmp_path / "run", device=FolderDevice())
    seed = open_bundle(result.steps[0]).manifest.spec
    assert result.met
    assert additive(result.spec) / additive(seed) <= 0.93
    assert [block.kind for block in result.spec.blocks] == [block.kind for block in seed.blocks]
    assert open_bundle(result.bundle).manifest.files[0].parity is not None
    accepted = [each for each in result.candidates if each["accepted"]]
    assert len(accepted) == len(result.steps) - 1 >= 1
    assert result.sizes["final"]["parameters"] < result.sizes["seed"]["parameters"]


@pytest.mark.slow
def test_a_killed_run_repeats_nothing_and_ends_as_the_undisturbed_one(
    whole: tuple[Path, NetAdaptResult, Counting], digits: Path, tmp_path: Path
) -> None:
    _, undisturbed, executor = whole
    first, second = Counting(stop_after=3, give_up=(1,)), Counting()
    with pytest.raises(KeyboardInterrupt):
        netadapt(config(digits), out=tmp_path / "run", executor=first, device=FolderDevice())
    result = netadapt(config(digits), out=tmp_path / "run", executor=second, device=FolderDevice())
    assert first.jobs + second.jobs == executor.jobs
    kept = ("model_hash", "metrics", "accepted", "predicted_ms")
    assert [{key: each[key] for key in kept} for each in result.candidates] == [
        {key: each[key] for key in kept} for each in undisturbed.candidates
    ]
    assert result.spec == undisturbed.spec


def test_an_infeasible_budget_is_refused_before_any_training(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match=r"0.05x on fake is out of reach: small takes .* ms with every width at 8"):
        netadapt(config(digits, budget="0.05x"), out=tmp_path / "run", device=FolderDevice())
    assert not (tmp_path / "run" / "tune").exists()


@pytest.mark.slow
def test_case_p1_a_step_whose_file_is_not_measured_to_be_faster_is_refused(digits: Path, tmp_path: Path) -> None:
    """A narrower block 1 is slow in whole nets, as odd widths are, and its piece does not show it."""

    def odd(spec: NetSpec) -> float:
        is_odd = len(spec.blocks) == 5 and getattr(spec.blocks[1], "expand_channels", 48) < 48
        return additive(spec) * (1.3 if is_odd else 1.0)

    wanted = config(digits, budget="0.95x", steps_pictures=2)
    result = netadapt(wanted, out=tmp_path / "run", device=FolderDevice(law=odd))
    rows = read_lines(tmp_path / "run" / "proposals.jsonl")
    refused = [row for row in rows if row["note"].startswith("refused: measured, and not faster")]
    assert result.spec.blocks[1] == small_net().blocks[1]
    assert refused, "the narrower block was never measured"
    assert all(row["change"] == "expansion of block 1" and not row["accepted"] for row in refused)
    assert all(row["to_channels"] % 8 == 0 for row in rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": "1.5x"}, "between 0 and 1, got '1.5x'"),
        ({"budget": "fast"}, "--budget takes a number with a unit"),
        ({"rule": "slop"}, "did you mean 'slope'"),
        ({"schedule": "papr"}, "did you mean 'paper'"),
        ({"delta": 2.0}, "a step's share must be between 0 and 1"),
        ({"steps_pictures": 1}, "2 pictures or more, got 1"),
        ({"multiple": 0}, "multiples of 1 or more channels, got 0"),
    ],
)
def test_a_wrong_value_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        NetAdaptConfig(model="m", data="d", **({"budget": "0.8x"} | changes))
