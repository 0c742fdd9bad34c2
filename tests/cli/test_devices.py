"""``devices``: the list, a profile's outcome, and what goes wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.cli.main import run
from edgesmith.devices.blocks.calibrate import UNCALIBRATED
from edgesmith.devices.blocks.files import maker_for
from edgesmith.devices.blocks.gate import Gate
from edgesmith.devices.blocks.library import Trial, open_store, table_path
from edgesmith.devices.blocks.sandwich import pieces_of
from edgesmith.devices.blocks.table import BlockTable
from edgesmith.devices.table import get_device
from edgesmith.recipes.profile import Profile
from tests.devices.blocks.fakes import LawDevice, additive
from tests.devices.blocks.test_table import levels_of

GOOD = Gate(
    num_nets=20,
    tau=0.98,
    rmspe=0.02,
    bias=0.001,
    within_5=1.0,
    within_10=1.0,
    covered=0.95,
    madds_tau=0.7,
    contended=False,
)
TRIAL = Trial(
    calibration=replace(UNCALIBRATED, fixed_ms=0.1, slope=1.1, ms_per_block_million=0.1, reach=0.04, num_nets=30),
    gate=GOOD,
    anchor_ms=0.4,
    held_out=("abc",),
    seconds=300.0,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path))
    return tmp_path


def keep_trial(cache: Path, trial: Trial) -> None:
    store = open_store(get_device("onnxruntime"), cache)
    store.add_trial(trial.to_json())
    store.close()


def give(monkeypatch: pytest.MonkeyPatch, trial: Trial, cache: Path) -> None:
    """Let the recipe find this."""
    found = Profile(device="onnxruntime", path=cache / "blocks.sqlite", pieces=280, trial=trial, trials=1)
    monkeypatch.setattr("edgesmith.recipes.profile.profile", lambda *_args, **_options: found)


def test_the_list_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["devices", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    row = rows["onnxruntime"]
    assert (row["available"], row["runtime"], row["missing"], row["table"]) == (True, "onnxruntime", None, None)
    assert row["version"].count(".") == 2
    assert "threads" in row["options"]
    assert (rows["agent"]["available"], rows["agent"]["missing"]) == (None, None)
    assert "agent@pi.local" in rows["agent"]["about"]


def test_the_list_names_the_extra_that_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgesmith.core.errors import MissingExtraError
    from edgesmith.devices.torch import TorchDevice

    def fingerprint(self: TorchDevice) -> None:
        raise MissingExtraError("torch is not installed; pip install 'edgesmith[train]' brings it")

    monkeypatch.setattr(TorchDevice, "fingerprint", fingerprint)
    assert run(["devices"]) == 0
    assert "torch: torch is not installed; pip install 'edgesmith[train]' brings it" in capsys.readouterr().out


@pytest.mark.parametrize(("tau", "passed", "shown"), [(0.98, True, "error 2.0%, rank 0.98"), (0.9, False, "refused")])
def test_the_list_shows_tables(
    capsys: pytest.CaptureFixture[str], cache: Path, tau: float, passed: bool, shown: str
) -> None:
    keep_trial(cache, replace(TRIAL, gate=replace(GOOD, tau=tau)))
    assert run(["devices"]) == 0
    assert shown in capsys.readouterr().out
    assert run(["devices", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    table = rows["onnxruntime"]["table"]
    assert (table["passed"], table["tau"], table["trials"]) == (passed, tau, 1)


def test_a_damaged_table_does_not_break_the_list(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    keep_trial(cache, TRIAL)
    table_path(get_device("onnxruntime"), cache).write_bytes(b"dust" * 4000)
    assert run(["devices", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert "is damaged" in rows["onnxruntime"]["table"]["reasons"][0]


def test_a_good_profile_prints_its_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    give(monkeypatch, TRIAL, cache)
    assert run(["devices", "profile", "onnxruntime"]) == 0
    out = capsys.readouterr().out
    assert "280 pieces timed on onnxruntime, fitted to 30 networks" in out
    assert "rank correlation 0.980; of multiply-adds 0.700" in out


def test_a_refused_profile_says_why_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    give(monkeypatch, replace(TRIAL, gate=replace(GOOD, contended=True)), cache)
    assert run(["devices", "profile", "onnxruntime", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["gate"]["passed"] is False
    (line,) = captured.err.splitlines()
    assert "contended" in line
    assert "again when the machine is quieter" in line


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["profile", "onnxruntim"], "did you mean 'onnxruntime'"),
        (["profil", "onnxruntime"], "profile"),
        (["profile"], "device"),
    ],
)
def test_wrong_use_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str) -> None:
    assert run(["devices", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert wanted in line


@pytest.mark.parametrize("arguments", [["devices"], ["devices", "profile"]])
def test_help_has_an_example(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run([*arguments, "--help"]) == 0
    assert f"Example: edgesmith {' '.join(arguments)}" in " ".join(capsys.readouterr().out.split())


def test_inspect_without_a_table_times_the_blocks_and_says_how_to_make_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    spec = find("mobilenet_v3_small")
    monkeypatch.setattr("edgesmith.recipes.inspect.get_device", lambda _: LawDevice())
    assert run(["inspect", "mobilenet_v3_small", "--device", "fake", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    blocks_ms = [row["ms"] for row in facts["blocks"] if row["ms"] is not None]
    assert len(blocks_ms) == len(spec.blocks)
    assert sum(blocks_ms) + facts["timed"]["head_ms"] == pytest.approx(facts["timed"]["sum_ms"])
    assert facts["timed"]["sum_ms"] == pytest.approx(additive(spec), rel=0.1)
    assert "predicted" not in facts
    assert run(["inspect", "mobilenet_v3_small", "--device", "fake"]) == 0
    out = capsys.readouterr().out
    assert f"{blocks_ms[3]:.4f}" in out
    assert "for a prediction of the whole: edgesmith devices profile fake" in out


def test_inspect_shows_milliseconds_block_by_block(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    spec = find("mobilenet_v3_small")
    keep_trial(cache, TRIAL)
    table = BlockTable(levels_of(pieces_of(spec)), TRIAL.calibration)
    monkeypatch.setattr("edgesmith.recipes.inspect.load_table", lambda *_: table)
    assert maker_for("onnx").suffix == ".onnx"
    assert run(["inspect", "mobilenet_v3_small", "--device", "onnxruntime", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    told = facts["predicted"]
    blocks_ms = [row["ms"] for row in facts["blocks"] if row["ms"] is not None]
    assert len(blocks_ms) == len(spec.blocks)
    assert sum(blocks_ms) + told["head_ms"] + told["fixed_ms"] == pytest.approx(told["ms"])
    assert run(["inspect", "mobilenet_v3_small", "--device", "onnxruntime"]) == 0
    assert "by the block table of onnxruntime" in capsys.readouterr().out
