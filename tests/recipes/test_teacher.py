"""Who may teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from edgesmith.core.errors import UsageError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import load_module, open_bundle
from edgesmith.recipes.models import resolve
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.teacher import open_teacher
from edgesmith.recipes.train import train_model
from tests.deploy.models import make_model, tiny_spec, write_plain_bundle

RULE = Preprocessing.for_resolution(32, 32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle with five classes."""
    return write_plain_bundle(tmp_path_factory.mktemp("teacher") / "bundle", make_model(tiny_spec()), []).folder


def test_a_bundle_answers_as_its_module_does_in_the_students_order(bundle: Path) -> None:
    manifest = open_bundle(bundle).manifest
    taught = open_teacher(str(bundle), manifest.classes[::-1], manifest.preprocessing)
    images = torch.randn(3, 3, manifest.preprocessing.height, manifest.preprocessing.width)
    wanted = load_module(open_bundle(bundle)).eval()(images).flip(1)
    torch.testing.assert_close(taught.teacher(images), wanted, rtol=1e-4, atol=1e-4)
    assert taught.source == str(bundle)


def test_a_teacher_that_does_not_know_a_class_is_refused_with_the_way_out(bundle: Path) -> None:
    with pytest.raises(UsageError, match=r"does not know 1 of the 2 classes, such as 'unicorn'.*edgesmith train"):
        open_teacher(str(bundle), ("class 0", "unicorn"), RULE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("none", "a teacher has weights"),
        ("timm:resnet5", "unknown timm model 'resnet5'"),
        ("torchvision:resnet19", "unknown torchvision model 'resnet19'"),
        ("nowhere", "no such weights"),
    ],
)
def test_what_is_no_teacher_is_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        open_teacher(text, ("a", "b"), RULE)


def test_any_classifier_of_torchvision_may_teach(monkeypatch: pytest.MonkeyPatch) -> None:
    real = torchvision.models.get_model

    def untrained(name: str, weights: Any) -> Any:
        assert weights.name.startswith("IMAGENET1K")
        return real(name, weights=None)

    monkeypatch.setattr(torchvision.models, "get_model", untrained)
    taught = open_teacher("torchvision:resnet18", ("tench", "goldfish"), RULE)
    assert taught.teacher(torch.zeros(2, 3, 32, 32)).shape == (2, 2)
    assert taught.source == "torchvision:resnet18"


def test_any_classifier_of_timm_may_teach(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained: real(name, pretrained=False))
    taught = open_teacher("timm:resnet18.a1_in1k", ("tench", "goldfish"), RULE)
    assert taught.teacher(torch.zeros(2, 3, 32, 32)).shape == (2, 2)


@pytest.mark.slow
def test_a_training_with_a_teacher_says_so_in_its_bundle(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    settings = ("pictures=640", "batch_size=32", "workers=0", "replicas=1")
    common: dict[str, Any] = {"settings": settings, "weights": "none"}
    net = resolve("mobilenet_v3_small@width=0.35,resolution=32")
    first = train_model(net, str(tmp_path / "digits.zip"), out=tmp_path / "teacher", **common)
    done = train_model(
        net, str(tmp_path / "digits.zip"), out=tmp_path / "run", teacher=str(first.bundle.folder), **common
    )
    facts = done.bundle.manifest.provenance["teacher"]
    assert facts == {"source": str(first.bundle.folder), "share": 0.7, "temperature": 2.0}
