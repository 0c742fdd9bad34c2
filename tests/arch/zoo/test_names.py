from __future__ import annotations

import pytest

from edgesmith.arch.names import Padding
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import model_hash
from edgesmith.arch.zoo.names import find, parse_resolution
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.errors import UsageError


@pytest.mark.parametrize("name", MODELS)
def test_every_name_is_found_and_carries_its_publication(name: str) -> None:
    assert find(name).name == name
    assert MODELS[name].published[0].options == ""
    for published in MODELS[name].published:
        assert published.top1 is None or 0.4 < published.top1 < 0.98
        assert published.miou is None or 0.5 < published.miou < 0.8
        assert published.mean_ap is None or 0.1 < published.mean_ap < 0.3
        figures = (published.top1, published.miou, published.mean_ap)
        assert bool(published.source) == any(figure is not None for figure in figures)
        assert find(f"{name}@{published.options}").family == find(name).family


def test_options_belong_to_their_family() -> None:
    assert find("shufflenet_v1@groups=8,width=0.5").blocks != find("shufflenet_v1@groups=8").blocks
    with pytest.raises(UsageError, match=r"unknown model option 'rule'; choices: .*width"):
        find("mobilenet_v2@rule=timm")
    with pytest.raises(UsageError, match="groups is a whole number from 1, got"):
        find("shufflenet_v1@groups=2.5")
    with pytest.raises(UsageError, match="groups must be one of 1, 2, 3, 4, 8, got 5"):
        find("shufflenet_v1@groups=5")
    with pytest.raises(UsageError, match="unknown stem 'cifa'; did you mean 'cifar'"):
        find("shufflenet_v1@stem=cifa")


def test_options_reach_the_spec() -> None:
    text = "mobilenet_v3_small@width=0.75,resolution=128x192,classes=7,padding=same,preset=timm_tf,rule=torchvision"
    spec = find(text)
    assert spec.name == text
    assert (spec.resolution, spec.num_classes) == ((128, 192), 7)
    assert (spec.padding, spec.preset) == (Padding.SAME, Preset.TIMM_TF)


def test_a_width_of_one_is_the_plain_net() -> None:
    assert model_hash(find("mobilenet_v3_small@width=1.0")) == model_hash(find("mobilenet_v3_small"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mobilenet_v3_smal", "unknown model 'mobilenet_v3_smal'; did you mean 'mobilenet_v3_small'. choices: "),
        ("", "unknown model ''; choices: "),
        ("mobilenet_v3_small@widht=0.5", "unknown model option 'widht'; did you mean 'width'"),
        ("mobilenet_v3_small@width", "model option 'width' in .* needs a value"),
        ("mobilenet_v3_small@width=", "needs a value"),
        ("mobilenet_v3_small@width=half", "width is a number like 0.75, got 'half'"),
        ("mobilenet_v3_small@width=nan", "width must be above 0"),
        ("mobilenet_v3_small@width=1,width=2", "model option 'width' stands twice"),
        ("mobilenet_v3_small@rule=tensorflo", "unknown rule 'tensorflo'; did you mean 'tensorflow'"),
        ("mobilenet_v3_small@preset=tim", "unknown preset 'tim'; did you mean 'timm'"),
        ("mobilenet_v3_small@resolution=0", "resolution is pixels like 160"),
        ("mobilenet_v3_small@resolution=12x", "got '12x'"),
        ("mobilenet_v3_small@classes=2.5", "classes is a whole number from 1, got '2.5'"),
        ("mobilenet_v3_small@classes=0", "classes is a whole number from 1, got '0'"),
    ],
)
def test_wrong_names_and_options_answer_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        find(text)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_resolutions_are_height_by_width() -> None:
    assert parse_resolution("160") == (160, 160)
    assert parse_resolution("128x192") == (128, 192)
