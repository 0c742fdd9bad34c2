"""What trainings begin with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError, WeightsError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.nn.build import build
from edgesmith.nn.unfold import folded_norms
from edgesmith.recipes import start as starts
from edgesmith.recipes.material import open_material
from edgesmith.recipes.models import preprocessing_of
from edgesmith.recipes.quickstart import write_digits
from edgesmith.recipes.start import Start, Starts, default_recipe, open_start
from edgesmith.recipes.training import RECIPES
from edgesmith.weights.imported import Imported
from tests.notes import Notes

TF = find("mobilenet_v3_small@classes=3,padding=same,preset=timm_tf")
RULE = Preprocessing(height=224, width=224, resize_short=256, mean=(0.5,) * 3, std=(0.5,) * 3, interpolation="bicubic")


def origin(spec: NetSpec = TF, classes: tuple[str, ...] = ("cat", "dog", "cow")) -> Imported:
    return Imported(
        name="origin",
        spec=spec,
        state=build(spec, seed=7).state_dict(),
        preprocessing=RULE,
        classes=classes,
        source="a test",
    )


@pytest.mark.slow
def test_nothing_is_the_presets_initial_weights() -> None:
    spec = find("mobilenet_v3_small@classes=2")
    start = open_start("none", spec)
    net = start.net(spec, ("a", "b"), seed=5)
    assert all(torch.equal(value, build(spec, seed=5).state_dict()[key]) for key, value in net.state_dict().items())
    assert (start.spec(spec), start.rule(spec)) == (spec, preprocessing_of(spec))
    assert (start.describe(("a", "b")), default_recipe(start)) == ("training starts from scratch", "small")


def test_a_backbone_that_is_whole_is_spared_and_one_that_was_cut_learns_at_once() -> None:
    start, base = Start(origin=origin()), replace(RECIPES["finetune"](), pictures=5000)
    assert base.frozen_pictures == 3000
    new, known = ("ham", "dog"), ("dog", "cat")
    spec = start.spec(find("mobilenet_v3_small@classes=2,resolution=96"))
    whole = start.recipe(base, spec, classes=new)
    assert (whole.frozen_pictures, whole.optim.backbone_rate) == (1000, base.optim.backbone_rate)
    assert start.recipe(base, spec, classes=known).frozen_pictures == 0  # a head that knows all has nothing to catch up
    cut = start.recipe(base, start.spec(find("mobilenet_v3_small@classes=2,width=0.5")), classes=new)
    assert (cut.frozen_pictures, cut.optim.backbone_rate) == (0, 1.0)
    asked = ("frozen_pictures=3000", "optim.backbone_rate=0.3")
    assert start.recipe(base, find("mobilenet_v3_small@classes=2,width=0.5"), asked, classes=new) == base
    assert Start().recipe(base, TF, classes=known) == base


def test_folded_norms_are_unfolded_while_the_network_is_whole(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.zip")
    material = open_material(tmp_path / "digits.zip", seed=0)
    whole = build(TF, seed=7)
    for norm in (module for module in whole.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.running_var = torch.full_like(norm.get_buffer("running_var"), 1 - norm.eps)
    start = Start(origin=replace(origin(), state=whole.state_dict()))
    cut = start.spec(find("mobilenet_v3_small@classes=2,width=0.5"))
    assert folded_norms(start.net(cut, ("cat", "dog"), seed=0))
    ready = start.unfolded(material)
    assert not folded_norms(ready.net(cut, ("cat", "dog"), seed=0))
    assert ready.origin is not None
    same = build(TF)
    same.load_state_dict(ready.origin.state)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(same.eval()(images), whole.eval()(images), rtol=1e-3, atol=1e-4)
    assert ready.unfolded(material) is ready
    assert Start().unfolded(material) == Start()


def test_case_m3_the_origins_scaling_padding_and_norms_come_with_its_weights() -> None:
    start = Start(origin=origin())
    spec = start.spec(find("mobilenet_v3_small@classes=2,resolution=128"))
    assert (spec.padding, spec.preset) == (TF.padding, TF.preset)
    rule = start.rule(spec)
    assert (rule.height, rule.resize_short, rule.interpolation) == (128, 146, "bicubic")
    assert (rule.mean, rule.std) == (RULE.mean, RULE.std)


def test_an_unknown_set_of_classes_begins_its_head_anew() -> None:
    start = Start(origin=origin())
    spec = start.spec(find("mobilenet_v3_small@classes=3"))
    state = start.net(spec, ("rose", "lily", "iris"), seed=5).state_dict()
    begun = build(spec, seed=5).state_dict()
    key = "head.classifier.linear.weight"
    assert torch.equal(state[key], begun[key])
    assert torch.equal(state["blocks.3.project.conv.weight"], start.origin.state["blocks.3.project.conv.weight"])  # type: ignore[union-attr]
    assert start.describe(("rose", "lily", "iris")).endswith("the head begins anew")


def test_known_classes_keep_what_the_head_knows_of_them() -> None:
    start = Start(origin=origin())
    spec = start.spec(find("mobilenet_v3_small@classes=2"))
    state = start.net(spec, ("cow", "cat"), seed=5).state_dict()
    key = "head.classifier.linear.weight"
    assert start.origin is not None
    assert torch.equal(state[key], start.origin.state[key][[2, 0]])
    assert start.describe(("cow", "cat")).endswith("the head knows 2 of 2 classes")


def test_numbers_that_stand_for_names_are_not_matched() -> None:
    imagenet = Start(origin=origin(find("mobilenet_v3_small"), tuple(map(str, range(1000)))))
    assert imagenet.describe(("0", "1", "2")).endswith("the head begins anew")
    own = Start(origin=origin(TF, ("0", "1", "2")))
    assert own.describe(("0", "1", "2")).endswith("the head knows 3 of 3 classes")


def test_a_narrower_net_takes_the_strongest_channels() -> None:
    start = Start(origin=origin())
    spec = start.spec(find("mobilenet_v3_small@classes=2,width=0.5"))
    assert start.net(spec, ("a", "b"), seed=0).spec == spec


def test_a_condensenet_from_scratch_is_built_in_the_form_that_learns() -> None:
    spec = find("condensenet_cifar@depth=8")
    assert {block.kind for block in Start().net(spec, ("a",) * 10, seed=0).spec.blocks} >= {"learned_layer"}


def test_auto_says_why_it_starts_from_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Imported:
        raise WeightsError("no way to the server")

    monkeypatch.setattr(starts, "read_source", refuse)
    notes = Notes()
    assert open_start("auto", find("mobilenet_v2"), progress=notes).origin is None
    assert open_start("auto", find("shufflenet_v1"), progress=notes).origin is None
    assert notes.lines == [
        "no weights to begin from: no way to the server",
        "no weights to begin from: no weights of torchvision are known to be of shufflenet_v1; name them: "
        "--weights torchvision:NAME",
    ]


def test_auto_takes_the_owners_weights_where_they_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def give(source: str, **_: object) -> Imported:
        asked.append(source)
        return origin(find("mobilenet_v2@classes=3"))

    monkeypatch.setattr(starts, "read_source", give)
    assert default_recipe(open_start("auto", find("mobilenet_v2@width=0.5"))) == "finetune"
    assert asked == ["torchvision:mobilenet_v2"]


def test_a_file_of_weights(tmp_path: Path) -> None:
    spec = find("mobilenet_v3_small@width=0.35,classes=4")
    state = {key: value.contiguous() for key, value in build(spec, seed=3).state_dict().items()}
    save_file(state, tmp_path / "mine.safetensors")
    found = open_start(str(tmp_path / "mine.safetensors"), spec.with_num_classes(2)).origin
    assert found is not None
    assert found.spec.num_classes == 4
    assert "ImageNet's mean and deviation are taken" in found.notes[1]


def test_wrong_words_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown library 'timn'; did you mean 'timm'"):
        open_start("timn:mobilenetv2_100", find("mobilenet_v2"))
    with pytest.raises(UsageError, match=r"no such weights: .*nowhere.pth is not a file; choices: torchvision:NAME"):
        open_start("nowhere.pth", find("mobilenet_v2"))
    (tmp_path / "weights.txt").write_text("")
    with pytest.raises(UsageError, match=r"weights are read from files that end in \.tflite"):
        open_start(str(tmp_path / "weights.txt"), find("mobilenet_v2"))


def test_one_origin_serves_all_candidates_and_libraries_are_asked_once_a_family(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def give(source: str, **_: object) -> Imported:
        asked.append(source)
        return origin()

    monkeypatch.setattr(starts, "read_source", give)
    one = Starts("weights.pth")
    assert one.origin is not None
    assert one.of(TF) is one.of(find("mobilenet_v3_large"))
    many = Starts("torchvision")
    assert many.origin is None
    for name in ("mobilenet_v3_small", "mobilenet_v3_small@width=0.5", "mobilenet_v3_large"):
        many.of(find(name))
    assert asked == ["weights.pth", "torchvision:mobilenet_v3_small", "torchvision:mobilenet_v3_large"]
