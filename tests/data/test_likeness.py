"""Copies are found whatever was done to them, and others are not taken for copies."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from edgesmith.data.likeness import ALIKE, BITS, NEAR, Looks, look_at, near_pairs


def scene(seed: int, side: int = 160) -> Image.Image:
    """Blurred noise: as uneven as photographs are."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def looks(image: Image.Image) -> Looks:
    found = look_at(image)
    assert found is not None
    return found


def distance(one: Image.Image, other: Image.Image) -> int:
    return int(np.bitwise_count(looks(one).words ^ looks(other).words).sum())


def recompressed(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return Image.open(buffer).convert("RGB")


@pytest.mark.parametrize(
    "change",
    [
        recompressed,
        lambda image: image.resize((96, 96), Image.Resampling.LANCZOS),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
        lambda image: image.convert("L").convert("RGB"),
    ],
    ids=["recompressed", "smaller", "darker", "grey"],
)
def test_a_copy_stays_near(change) -> None:  # type: ignore[no-untyped-def]
    assert max(distance(scene(seed), change(scene(seed))) for seed in range(20)) <= NEAR
    assert all(looks(scene(seed)).alike(looks(change(scene(seed)))) for seed in range(20))


def test_other_pictures_are_far() -> None:
    scenes = [scene(seed) for seed in range(40)]
    far = [distance(one, other) for one, other in combinations(scenes, 2)]
    assert min(far) > 3 * NEAR
    assert np.mean(far) == pytest.approx(BITS / 2, rel=0.1)


@pytest.mark.parametrize("image", [Image.new("RGB", (200, 200), "white"), scene(0, side=16)], ids=["even", "tiny"])
def test_what_cannot_be_told_from_others_has_no_fingerprint(image: Image.Image) -> None:
    assert look_at(image) is None


def test_drawings_that_come_near_by_chance_are_not_alike() -> None:
    """A bar, and a shorter one: the same bits nearly everywhere."""
    bars = []
    for height in (60, 44):
        bar = Image.new("RGB", (64, 64), "white")
        bar.paste((0, 0, 0), (28, 64 - height, 36, 64))
        bars.append(looks(bar))
    assert float(bars[0].thumb @ bars[1].thumb) < ALIKE
    assert not bars[0].alike(bars[1])


@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_all_near_pairs_of_different_groups_are_found_and_no_others(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**16, (count, 8), dtype=np.uint16)
    for place in range(1, count, 2):  # a copy of the one before, with up to nine bits turned
        words[place] = words[place - 1]
        for bit in rng.choice(128, rng.integers(0, 10), replace=False):
            words[place, bit // 16] ^= np.uint16(1 << (bit % 16))
    group = rng.integers(0, 3, count)
    wanted = [
        (one, other, int(np.bitwise_count(words[one] ^ words[other]).sum()))
        for one, other in combinations(range(count), 2)
        if group[one] != group[other]
    ]
    assert near_pairs(words, group=group).tolist() == [list(each) for each in wanted if each[2] <= NEAR]


def test_a_set_without_pairs_has_none() -> None:
    assert near_pairs(np.zeros((1, 8), dtype=np.uint16), group=np.zeros(1, dtype=np.int64)).shape == (0, 3)
