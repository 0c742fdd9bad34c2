"""Verbs that take minutes, or a file of somebody's, each once from the command line."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from edgesmith.arch.zoo.names import find
from edgesmith.cli.main import run
from edgesmith.deploy.bundle import open_bundle
from edgesmith.nn.build import build
from edgesmith.recipes.netadapt.run import netadapt
from tests.nn.nets import calibrate
from tests.recipes.netadapt.fakes import FolderDevice, write_net

SETTINGS = ("workers=0", "replicas=1", "schedule.warmup_pictures=64", "batch_size=32", "resolution_steps=1")


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_quickstart_ends_with_a_bundle_and_says_by_its_exit_whether_the_budget_was_met(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = run(["quickstart", "--time", "2m", "--budget", "2ms", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert code == (0 if result["met"] else 1)
    assert open_bundle(Path(result["bundle"])).manifest.spec.num_classes == 10
    assert (tmp_path / "runs" / "quickstart-digits" / "report.html").is_file()


def test_import_makes_a_bundle_of_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    name = "mobilenet_v3_small@width=0.35,resolution=64"
    net = calibrate(build(find(f"{name},classes=3")))
    torch.save(net.state_dict(), tmp_path / "theirs.pth")
    out = tmp_path / "bundle"
    done = run_json(capsys, "import", str(tmp_path / "theirs.pth"), "--model", name, "--out", str(out))
    assert (done["num_classes"], done["parity"]["passed"]) == (3, True)
    assert open_bundle(out).manifest.spec.resolution == (64, 64)


@pytest.mark.slow
def test_netadapt_narrows_until_its_budget_on_a_device_without_a_machine(
    capsys: pytest.CaptureFixture[str], digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgesmith.recipes.netadapt.run.netadapt", partial(netadapt, device=FolderDevice()))
    settings = [word for each in SETTINGS for word in ("--set", each)]
    limits = ("--budget", "0.9x", "--time", "10s", "--delta", "0.04", "--steps-pictures", "64", "--workers", "1")
    wanted = (*limits, *settings, "--weights", "none", "--out", str(tmp_path / "run"))
    result = run_json(capsys, "netadapt", str(write_net(tmp_path)), str(digits), *wanted)
    assert result["sizes"]["final"]["madds"] < result["sizes"]["seed"]["madds"]
    assert any(candidate["accepted"] for candidate in result["candidates"])
