from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from edgesmith.core.errors import DataError, UsageError
from edgesmith.data.preprocessing import Preprocessing, resize_short_side
from tests.data.builders import noise

RULE = Preprocessing.for_resolution(64, 64)


def _torchvision(rule: Preprocessing) -> v2.Compose:
    mode = v2.InterpolationMode(rule.interpolation)
    return v2.Compose([v2.Resize(rule.resize_short, mode, antialias=True), v2.CenterCrop((rule.height, rule.width))])


@pytest.mark.parametrize("size", [(512, 512), (500, 333), (333, 500), (73, 74), (40, 41), (9, 300), (64, 64), (1, 1)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_case_d9_crop_equals_torchvision_on_pil_bit_for_bit(size: tuple[int, int], interpolation: str) -> None:
    rule = Preprocessing(height=64, width=60, resize_short=73, interpolation=interpolation)
    image = noise(*size)
    np.testing.assert_array_equal(rule.crop(image), np.asarray(_torchvision(rule)(image)))


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 200), height=st.integers(1, 200), crop=st.integers(1, 48), extra=st.integers(0, 20))
def test_case_d9_any_size_equals_torchvision(width: int, height: int, crop: int, extra: int) -> None:
    rule = Preprocessing(height=crop, width=max(1, crop - 3), resize_short=crop + extra)
    image = noise(width, height, seed=width)
    if max(width, height) <= 64 * min(width, height):
        np.testing.assert_array_equal(rule.crop(image), np.asarray(_torchvision(rule)(image)))


@pytest.mark.parametrize("size", [(512, 512), (500, 333), (97, 131), (40, 41), (64, 64)])
@pytest.mark.parametrize("whole", [False, True])
def test_case_d9_the_plain_rule_is_what_tensors_are_resized_by(size: tuple[int, int], whole: bool) -> None:
    """torch's own bilinear, from centre to centre and without smoothing, to within a rounding."""
    rule = Preprocessing(height=64, width=60, resize_short=0 if whole else 73, interpolation="plain")
    image = noise(*size)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    short = 73 * max(size) // min(size)
    target = [64, 60] if whole else ([73, short] if size[0] > size[1] else [short, 73])
    if tuple(target) != size[::-1]:
        pixels = torch.nn.functional.interpolate(pixels[None].double(), target, mode="bilinear", antialias=False)[0]
    if not whole:
        top, left = round((target[0] - 64) / 2), round((target[1] - 60) / 2)
        pixels = pixels[:, top : top + 64, left : left + 60]
    expected = pixels.double().permute(1, 2, 0).numpy()
    assert np.abs(rule.crop(image) - expected).max() <= 1.0


def test_case_d9_a_resize_without_antialias_differs() -> None:
    image = noise(512, 512)
    rule = Preprocessing(height=64, width=64, resize_short=64)
    tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    plain = v2.functional.resize(tensor, [64, 64], antialias=False).permute(1, 2, 0).numpy()
    difference = np.abs(rule.crop(image).astype(float) - plain).mean() / 255
    assert 0.05 < difference < 0.2


def test_normalize_equals_torchvision() -> None:
    image = noise(100, 80)
    reference = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(RULE.mean, RULE.std)])
    expected = reference(_torchvision(RULE)(image)).numpy()
    np.testing.assert_allclose(RULE.apply(image), expected, rtol=0, atol=1e-6)


def test_normalize_takes_one_picture_or_a_batch() -> None:
    batch = np.stack([RULE.crop(noise(70, 90, seed=seed)) for seed in range(3)])
    together = RULE.normalize(batch)
    assert together.shape == (3, 3, 64, 64)
    assert together.dtype == np.float32
    assert together.flags.c_contiguous
    np.testing.assert_array_equal(together[1], RULE.normalize(batch[1]))


def test_case_m3_the_range_minus_one_to_one_is_applied_once() -> None:
    rule = Preprocessing(height=1, width=2, resize_short=2, mean=(1.0,) * 3, std=(1.0,) * 3, scale=1 / 127.5)
    pixels = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    scaled = rule.normalize(pixels)
    np.testing.assert_allclose(scaled[:, 0, 0], [-1, -1, -1])
    np.testing.assert_allclose(scaled[:, 0, 1], [1, 1, 1], rtol=1e-6)
    with pytest.raises(DataError, match=r"already scaled \(float32 values\)"):
        rule.normalize(np.moveaxis(scaled, 0, -1))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(10_000, 3), (3, 10_000), (20_000, 1), (1, 400)])
def test_extreme_aspect_ratios_need_no_padding_and_little_memory(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (10, 200, 30))
    crop = RULE.crop(image)
    assert crop.shape == (64, 64, 3)
    assert (crop == (10, 200, 30)).all()


def test_an_extreme_picture_keeps_its_middle() -> None:
    image = Image.new("RGB", (10_000, 2), "white")
    image.paste((0, 0, 255), (4990, 0, 5010, 2))
    assert (RULE.crop(image)[32, 32] == (0, 0, 255)).all()


def test_for_resolution_is_the_usual_rule() -> None:
    assert Preprocessing.for_resolution(224, 224).resize_short == 256
    assert Preprocessing.for_resolution(160, 160).resize_short == 183
    assert Preprocessing.for_resolution(160, 128, crop_fraction=1.0).resize_short == 160


def test_json_round_trip() -> None:
    rule = Preprocessing.for_resolution(96, 128, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    assert Preprocessing.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule
    with pytest.raises(UsageError, match="'hieght'"):
        Preprocessing.from_dict({**rule.to_dict(), "hieght": 1})


def test_bad_rules_are_refused() -> None:
    with pytest.raises(UsageError, match=r"a crop of 64x64 needs resize_short >= 64, got 60"):
        Preprocessing(height=64, width=64, resize_short=60)
    with pytest.raises(UsageError, match="did you mean 'bilinear'"):
        Preprocessing(height=64, width=64, resize_short=64, interpolation="bilinaer")
    with pytest.raises(UsageError, match="std must be more than zero"):
        Preprocessing(height=64, width=64, resize_short=64, std=(0.0, 1.0, 1.0))
    with pytest.raises(UsageError, match="crop_fraction"):
        Preprocessing.for_resolution(64, 64, crop_fraction=1.5)


def test_only_rgb_is_read() -> None:
    with pytest.raises(DataError, match="got mode L"):
        RULE.apply(Image.new("L", (64, 64)))


def test_resize_short_side_rounds_the_long_side_down() -> None:
    assert resize_short_side(noise(100, 67), 30).size == (44, 30)
    assert resize_short_side(noise(67, 100), 30).size == (30, 44)
