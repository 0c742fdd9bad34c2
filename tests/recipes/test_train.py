"""Trainings from the command's function to the bundle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import RunError, UsageError
from edgesmith.deploy.bundle import load_module, open_bundle
from edgesmith.recipes.models import resolve
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.train import TrainOutcome, train_model

QUICK = ("pictures=1500", "workers=0", "schedule.warmup_pictures=200", "batch_size=32")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digits") / "digits.zip"
    write_digits(path)
    return path


def train(name: str, digits: Path, out: Path, *settings: str, time: str | None = None) -> TrainOutcome:
    return train_model(resolve(name), str(digits), out=out, settings=(*QUICK, *settings), weights="none", time=time)


@pytest.mark.slow
def test_a_condensenet_is_trained_with_learned_groups_and_bundled_without(digits: Path, tmp_path: Path) -> None:
    done = train("condensenet_cifar@depth=8", digits, tmp_path / "run", "group_lasso=1e-5")
    spec = done.bundle.manifest.spec
    assert spec == find("condensenet_cifar@depth=8")
    parity = done.bundle.manifest.files[0].parity
    assert parity is not None
    assert parity.passed
    index = load_module(done.bundle).state_dict()["blocks.1.index.index"]
    assert not torch.equal(index, torch.arange(len(index))), "every group has chosen its inputs"
    assert done.score.evaluation.metrics["top1"] > 0.2
    condensing = done.bundle.manifest.provenance["condensing"]
    assert condensing["relative"] < 1e-5
    assert condensing["top1_before"] == condensing["top1_after"] == done.score.evaluation.metrics["top1"]


@pytest.mark.slow
def test_case_m14_squeezenet_leaves_chance_from_scratch(digits: Path, tmp_path: Path) -> None:
    """Ten classes, 200 steps of 32: the loss must fall below what guessing gives, 2.30."""
    settings = ("pictures=6400", "augment.flip=0", "augment.scale=0.7,1.0")
    done = train("squeezenet_1_1@resolution=32", digits, tmp_path / "run", *settings)
    losses = [event["loss"] for event in done.result.history if event["kind"] == "step"]
    assert losses[0] > 2.2
    assert losses[-1] < 2.0
    assert done.score.evaluation.metrics["top1"] > 0.3


@pytest.mark.slow
def test_a_bundle_is_trained_on_from_its_own_weights(digits: Path, tmp_path: Path) -> None:
    first = train("mobilenet_v3_small@width=0.35,resolution=32", digits, tmp_path / "first", "pictures=6000")
    again = train_model(
        resolve(str(first.bundle.folder)), str(digits), out=tmp_path / "again", recipe="small", settings=QUICK
    )
    first_loss, second_loss = (
        next(event["loss"] for event in done.result.history if event["kind"] == "step") for done in (first, again)
    )
    assert second_loss < first_loss - 0.3
    assert again.bundle.manifest.preprocessing == first.bundle.manifest.preprocessing


@pytest.mark.slow
def test_a_limit_of_time_sets_the_pictures_once(digits: Path, tmp_path: Path) -> None:
    done = train("mobilenet_v3_small@width=0.35,resolution=32", digits, tmp_path / "run", time="75s")
    kept = tmp_path / "run" / "stages" / "pictures.json"
    assert kept.is_file()
    assert done.result.pictures >= 32
    with pytest.raises(RunError, match="is finished"):
        train("mobilenet_v3_small@width=0.35,resolution=32", digits, tmp_path / "run", time="75s")
    with pytest.raises(UsageError, match="soon"):
        train("mobilenet_v3_small@width=0.35,resolution=32", digits, tmp_path / "other", time="soon")
    assert open_bundle(done.bundle.folder).manifest.name == done.bundle.manifest.name
