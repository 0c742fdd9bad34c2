from __future__ import annotations

from typing import Any

import pytest
import timm
import torch

from edgesmith.core.errors import UsageError, WeightsError
from edgesmith.nn.build import build
from edgesmith.weights.imported import Imported
from edgesmith.weights.sources.timm import import_model, read_timm
from tests.nn.nets import calibrate, pictures, relative_difference

PATTERNS = ("mobilenetv1*", "mobilenetv2*", "mobilenetv3*", "tf_mobilenetv3*", "*mnasnet*", "mobilenetv4*")
NAMES = [name for pattern in PATTERNS for name in timm.list_models(pattern)]
UNKNOWN_LAYERS = [name for name in NAMES if any(part in name for part in ("hybrid", "_aa_", "_blur_"))]
FAST = [name for name in NAMES if name not in UNKNOWN_LAYERS and "large" not in name]


def assert_same(name: str, height: int, width: int) -> Imported:
    model: Any = calibrate(timm.create_model(name))
    imported = import_model(model, name=name)
    net = build(imported.spec)
    net.load_state_dict(dict(imported.state))
    with torch.inference_mode():
        expected = model(pictures(height, width))
        assert expected.std() > 0.1
        assert relative_difference(net.eval()(pictures(height, width)), expected) < 1e-5
    return imported


@pytest.mark.parametrize("name", FAST)
def test_the_net_read_off_the_model_answers_the_same(name: str) -> None:
    assert_same(name, 64, 65)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNKNOWN_LAYERS])
def test_every_name_at_224_and_225(name: str) -> None:
    assert_same(name, 224, 224)
    assert_same(name, 225, 225)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobilenetv4_hybrid_medium", r"blocks\.2\.4 is a MobileAttention, and there is no block kind for it"),
        ("mobilenetv4_conv_blur_medium", r"blocks\.0\.0 has a BlurPool2d, and no block kind has one"),
        ("mobilenetv4_hybrid_large", "there is no activation like GELU"),
    ],
)
def test_layers_that_the_zoo_does_not_know_are_named(name: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        import_model(timm.create_model(name), name=name)


def test_preprocessing_is_the_origins() -> None:
    rule = read_timm("tf_mobilenetv3_small_minimal_100", pretrained=False).preprocessing
    assert (rule.height, rule.resize_short, rule.interpolation) == (224, 256, "bilinear")
    assert (rule.mean, rule.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    other = read_timm("mobilenetv1_125", pretrained=False).preprocessing
    assert (other.resize_short, other.interpolation) == (248, "bicubic")


def test_imagenets_classes_have_names_of_their_own() -> None:
    classes = read_timm("mobilenetv2_035", pretrained=False).classes
    assert len(set(classes)) == 1000
    assert (classes[0], classes[134], classes[517]) == ("tench", "crane (134)", "crane (517)")


def test_a_misspelt_name_has_a_nearest() -> None:
    with pytest.raises(
        UsageError, match="unknown timm model 'mobilenetv3_smal_100'; did you mean 'mobilenetv3_small_100'"
    ):
        read_timm("mobilenetv3_smal_100")


def test_no_way_to_the_hub_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("network is unreachable\nfor the tenth time")

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(WeightsError, match=r"timm:mobilenetv2_050 could not be downloaded \(network is unreachable\)"):
        read_timm("mobilenetv2_050")


def test_case_c5_a_variant_without_weights_names_those_that_have_some() -> None:
    with pytest.raises(WeightsError, match=r"timm has no weights of mobilenetv2_035; it has of: mobilenetv2_050, mob"):
        read_timm("mobilenetv2_035")
