from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from torchvision.models import WeightsEnum

from edgesmith.core.errors import UsageError, WeightsError
from edgesmith.nn.build import build
from edgesmith.weights.sources.torchvision import NAMES, read_torchvision
from tests.nn.nets import calibrate, pictures, relative_difference


@pytest.fixture
def oracles(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """torchvision's nets by name, whose states its weights' own download gives."""
    made: dict[str, Any] = {name: calibrate(torchvision.models.get_model(name, weights=None)) for name in NAMES}

    def state(entry: WeightsEnum, *_: object, **__: object) -> Any:
        name = type(entry).__name__.removesuffix("_Weights").lower().replace("mobilenet_", "mobilenet_")
        return next(net for key, net in made.items() if key.lower() == name).state_dict()

    monkeypatch.setattr(WeightsEnum, "get_state_dict", state)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_every_name_answers_the_same(oracles: dict[str, Any], name: str) -> None:
    imported = read_torchvision(name)
    net = build(imported.spec)
    net.load_state_dict(dict(imported.state))
    with torch.inference_mode():
        expected = oracles[name](pictures(64, 65))
        assert expected.std() > 0.1
        assert relative_difference(net.eval()(pictures(64, 65)), expected) < 1e-5
    assert (len(imported.classes), imported.classes[0]) == (1000, "tench")


def test_every_entry_has_its_own_preprocessing(oracles: dict[str, Any]) -> None:
    first, second = (read_torchvision(f"mobilenet_v3_large/IMAGENET1K_V{n}").preprocessing for n in (1, 2))
    assert (first.resize_short, second.resize_short) == (256, 232)
    assert (first.height, first.interpolation) == (224, "bilinear")
    assert read_torchvision("mobilenet_v3_large").preprocessing == second


def test_wrong_names_and_entries() -> None:
    with pytest.raises(UsageError, match="unknown torchvision model 'mobilenet_v3_smal'; did you mean"):
        read_torchvision("mobilenet_v3_smal")
    with pytest.raises(UsageError, match="unknown weights of mobilenet_v2 'IMAGENET1K_V3'; did you mean"):
        read_torchvision("mobilenet_v2/IMAGENET1K_V3")


def test_no_way_to_the_server_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("urlopen error")

    monkeypatch.setattr(WeightsEnum, "get_state_dict", refuse)
    with pytest.raises(WeightsError, match=r"could not be downloaded \(urlopen error\); connect .* --weights none"):
        read_torchvision("mobilenet_v2")
