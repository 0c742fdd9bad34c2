from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

from edgesmith.core.errors import UsageError
from edgesmith.core.seed import generator
from edgesmith.data.augment import AugmentConfig, build_augment, mix, seeded
from edgesmith.data.preprocessing import Preprocessing
from tests.data.builders import noise

RULE = Preprocessing.for_resolution(32, 32)
PLAIN = AugmentConfig(scale=(1.0, 1.0), ratio=(1.0, 1.0), flip=0.0, policy="none")


def _tensor(width: int = 40, height: int = 40) -> Tensor:
    return torch.from_numpy(np.array(noise(width, height))).permute(2, 0, 1)


def test_nothing_random_is_a_resize_and_the_evaluation_scaling() -> None:
    image = _tensor()
    expected = v2.Compose(
        [v2.Resize((32, 32), antialias=True), v2.ToDtype(torch.float32, scale=True), v2.Normalize(RULE.mean, RULE.std)]
    )(image)
    torch.testing.assert_close(build_augment(PLAIN, 32, 32, RULE)(image), expected, rtol=0, atol=1e-5)


def test_training_and_evaluation_scale_alike() -> None:
    rule = Preprocessing(height=32, width=32, resize_short=32, mean=(1.0,) * 3, std=(1.0,) * 3, scale=1 / 127.5)
    image = noise(32, 32)
    trained = build_augment(PLAIN, 32, 32, rule)(torch.from_numpy(np.array(image)).permute(2, 0, 1))
    np.testing.assert_allclose(trained.numpy(), rule.apply(image), rtol=0, atol=1e-6)


@pytest.mark.parametrize("policy", ["none", "jitter", "photometric", "trivial", "rand", "auto"])
def test_every_policy_is_a_function_of_the_seed(policy: str) -> None:
    augment = build_augment(AugmentConfig(policy=policy, erase=0.5, hue=0.05), 24, 20, RULE)
    results = []
    for seed in (1, 1, 2):
        with seeded(seed):
            results.append(augment(_tensor(50, 30)))
    assert results[0].shape == (3, 24, 20)
    assert results[0].dtype == torch.float32
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("size", [(1, 1), (500, 2), (3, 200)])
def test_odd_shapes_come_out_whole(size: tuple[int, int]) -> None:
    result = build_augment(AugmentConfig(), 24, 24, RULE)(_tensor(*size))
    assert result.shape == (3, 24, 24)
    assert torch.isfinite(result).all()


def test_flip_mirrors() -> None:
    image = _tensor(32, 32)
    straight = build_augment(PLAIN, 32, 32, RULE)(image)
    mirrored = build_augment(AugmentConfig(scale=(1.0, 1.0), ratio=(1.0, 1.0), flip=1.0, policy="none"), 32, 32, RULE)
    torch.testing.assert_close(mirrored(image), straight.flip(-1))


@pytest.mark.parametrize("settings", [{"mixup": 0.2}, {"cutmix": 1.0}, {"mixup": 0.2, "cutmix": 1.0}])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_case_t8_mixing_works_for_any_batch_of_one_or_more(count: int, settings: dict[str, float]) -> None:
    images = torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    targets = torch.nn.functional.one_hot(torch.arange(count) % 3, 3).float()
    config = AugmentConfig(mixup=settings.get("mixup", 0.0), cutmix=settings.get("cutmix", 0.0))
    mixed, blended = mix(images, targets, config=config, generator=generator(0, "mix"))
    assert mixed.shape == images.shape
    torch.testing.assert_close(blended.sum(dim=1), torch.ones(count))
    if count == 1:
        torch.testing.assert_close((mixed, blended), (images, targets))
    again, _ = mix(images, targets, config=config, generator=generator(0, "mix"))
    assert torch.equal(mixed, again)


def test_mixup_blends_pictures_as_it_blends_targets() -> None:
    images = torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)])
    targets = torch.eye(2)
    mixed, blended = mix(images, targets, config=AugmentConfig(mixup=1.0), generator=generator(3))
    torch.testing.assert_close(mixed[:, 0, 0, 0], blended[:, 1])
    assert 0 < float(blended[0, 1]) < 1


def test_mixing_happens_as_often_as_asked() -> None:
    images, targets = torch.randn(2, 3, 4, 4), torch.eye(2)
    config = AugmentConfig(mixup=0.2, mix_probability=0.3)
    mixed = [mix(images, targets, config=config, generator=generator(0, i))[0] is not images for i in range(400)]
    assert 0.23 < np.mean(mixed) < 0.37
    assert mix(images, targets, config=AugmentConfig(), generator=generator(0))[0] is images


def test_seeded_leaves_the_default_generator_as_it_was() -> None:
    before = torch.default_generator.get_state()
    with seeded(5):
        first = torch.rand(3)
    assert torch.equal(torch.default_generator.get_state(), before)
    with seeded(5):
        assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"policy": "trivail"}, "did you mean 'trivial'"),
        ({"scale": (0.0, 1.0)}, "scale must be two rising shares"),
        ({"ratio": (2.0, 1.0)}, "ratio must be two rising numbers"),
        ({"flip": 1.5}, "flip is a probability"),
        ({"hue": 0.6}, "hue in"),
        ({"mixup": -1.0}, "0 or more"),
        ({"zoom_out": 1.1}, "zoom_out is a probability"),
        ({"zoom_side": 0.5}, "zoom_side is 1 or more"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        AugmentConfig(**settings)  # type: ignore[arg-type]


def test_erased_places_are_blank_or_noise() -> None:
    image = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    rule = Preprocessing.for_resolution(64, 64)
    kept: dict[bool, int] = {}
    for noisy in (False, True):
        with seeded(3):
            varied = build_augment(replace(PLAIN, erase=1.0, erase_noise=noisy), 64, 64, rule)(image)
        places = (varied != varied[:, 0, 0][:, None, None]).all(dim=0)
        kept[noisy] = len(torch.unique(varied[:, places], dim=1).T)
        assert places.any()
    assert kept[False] == 1
    assert kept[True] > 100
