from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given, settings

from edgesmith.arch.heads.base import Tap
from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.kinds.inverted_residual import InvertedResidual
from edgesmith.arch.names import Activation, Padding, Skip
from edgesmith.arch.presets import Preset
from edgesmith.arch.spec import NetSpec, model_hash, spec_hash
from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.errors import SpecError
from tests.arch.specs import specs


@settings(deadline=None, max_examples=100)
@given(specs())
def test_json_round_trip_keeps_everything(spec: NetSpec) -> None:
    again = NetSpec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec
    assert hash(again) == hash(spec)
    assert (spec_hash(again), model_hash(again)) == (spec_hash(spec), model_hash(spec))


@pytest.mark.parametrize("name", MODELS)
def test_every_zoo_spec_survives_json(name: str) -> None:
    spec = find(name)
    assert NetSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_hashes_are_the_recorded_ones() -> None:
    """Records are kept under them: a change of the canonical form must be deliberate."""
    spec = find("mobilenet_v3_small")
    assert (spec_hash(spec), model_hash(spec)) == ("7f29b1639bc7", "243c2cdcec0d")


def test_name_and_family_are_in_no_hash() -> None:
    spec = find("mobilenet_v3_small")
    other = replace(spec, name="mine", family="ours")
    assert (spec_hash(other), model_hash(other)) == (spec_hash(spec), model_hash(spec))


@pytest.mark.parametrize(
    "edited",
    [
        find("mobilenet_v3_small").with_num_classes(10),
        find("mobilenet_v3_small").with_resolution(160),
        find("mobilenet_v3_small").with_resolution(224, 160),
        replace(find("mobilenet_v3_small"), head=Classifier(feature_channels=512, activation=Activation.HARD_SWISH)),
    ],
)
def test_head_classes_and_resolution_change_only_the_model_hash(edited: NetSpec) -> None:
    spec = find("mobilenet_v3_small")
    assert spec_hash(edited) == spec_hash(spec)
    assert model_hash(edited) != model_hash(spec)


@pytest.mark.parametrize(
    "edited",
    [
        find("mobilenet_v3_small@padding=same"),
        find("mobilenet_v3_small@preset=timm"),
        find("mobilenet_v3_small@width=0.75"),
        replace(find("mobilenet_v3_small"), in_channels=1),
        find("mobilenet_v3_small").with_block(-1, Conv(out_channels=600, activation=Activation.HARD_SWISH)),
    ],
)
def test_backbone_and_constants_change_both_hashes(edited: NetSpec) -> None:
    spec = find("mobilenet_v3_small")
    assert spec_hash(edited) != spec_hash(spec)
    assert model_hash(edited) != model_hash(spec)


def test_a_field_at_its_default_does_not_change_the_hash() -> None:
    spec = find("mobilenet_v3_small")
    data = spec.to_json()
    assert "dilation" not in data["blocks"][1]
    data["blocks"][1]["dilation"] = 1
    assert model_hash(NetSpec.from_json(data)) == model_hash(spec)


def test_edits_return_new_specs() -> None:
    spec = find("mobilenet_v3_large")
    before = spec.to_json()
    edited = spec.with_resolution(96, 128).with_num_classes(7).with_block(0, spec.blocks[0])
    assert spec.to_json() == before
    assert (edited.resolution, edited.num_classes) == ((96, 128), 7)
    with pytest.raises(FrozenInstanceError):
        spec.num_classes = 3  # type: ignore[misc]


def one_block(**changes: Any) -> NetSpec:
    block = Conv(out_channels=8, activation=Activation.RELU)
    return replace(NetSpec(name="tiny", family="t", blocks=(block,), head=Classifier()), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks": ()}, "tiny: a network needs at least one block"),
        ({"num_classes": 0}, "tiny: num_classes must be at least 1, got 0"),
        ({"resolution": (0, 224)}, r"tiny: a resolution is a height and a width from 1 pixel, got \(0, 224\)"),
        ({"resolution": (224,)}, r"got \(224,\)"),
        ({"head": Classifier(taps=(Tap(block=3),))}, "tiny: tap on block 3, but the last is 0"),
    ],
)
def test_illegal_specs_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        one_block(**changes)


def test_another_block_needs_its_place() -> None:
    with pytest.raises(SpecError, match="mobilenet_v3_small: there is no block 13, the last is 12"):
        find("mobilenet_v3_small").with_block(13, Conv(out_channels=8, activation=Activation.RELU))


def broken(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """JSON of a good spec with one value replaced, or taken away where ``value`` is ``...``."""
    data = json.loads(json.dumps(find("mobilenet_v3_small").to_json()))
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return dict(data)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("blocks", 4, "strides"), 2, "block 4: unknown InvertedResidual key 'strides' .did you mean 'stride'"),
        (("blocks", 4, "kernel_size"), "5", "block 4: kernel_size must be int, got '5'"),
        (("blocks", 4, "kernel_size"), ..., "block 4: InvertedResidual needs kernel_size"),
        (("blocks", 4, "kind"), "inverted_residul", "block 4: unknown kind .* did you mean 'inverted_residual'"),
        (("blocks", 4, "kind"), ..., "block 4: it has no 'kind'; choices: "),
        (("blocks", 4, "activation"), "swish", "block 4: activation must be one of none, relu"),
        (("head", "feature_chanels"), 8, "head: unknown Classifier key"),
        (("padding",), "same-ish", "not a network description: 'same-ish' is not a valid Padding"),
        (("blocks",), ..., "not a network description: 'blocks'"),
        (("colour",), 1, "not a network description: .*colour"),
        (("num_classes",), "10", "not a network description"),
        (("resolution",), [224], "a resolution is a height and a width"),
    ],
)
def test_wrong_json_names_the_place(path: tuple[Any, ...], value: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        NetSpec.from_json(broken(path, value))
    assert "\n" not in str(caught.value)


def test_fields_are_integers_and_enums_all_the_way() -> None:
    spec = find("mobilenet_v3_large@padding=same,preset=timm_tf")
    data = json.loads(json.dumps(spec.to_json()))
    assert (data["padding"], data["preset"]) == ("same", "timm_tf")
    again = NetSpec.from_json(data)
    assert again.padding is Padding.SAME
    assert again.preset is Preset.TIMM_TF
    block = again.blocks[3]
    assert isinstance(block, InvertedResidual)
    assert block.skip is Skip.IDENTITY
