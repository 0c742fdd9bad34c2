from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import torch

from edgesmith.core.errors import UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.augment import AugmentConfig
from edgesmith.data.cache import PictureCache, decode_pictures
from edgesmith.data.loader import Batch, Position, TrainLoader
from edgesmith.data.preprocessing import Preprocessing
from tests.data.builders import write_pictures

RULE = Preprocessing.for_resolution(16, 16)
STRONG = AugmentConfig(mixup=0.2, cutmix=1.0, erase=0.3)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> PictureCache:
    """17 pictures of two classes, of which some are kept and the rest are decoded at each use."""
    data = datasets.open(write_pictures(tmp_path_factory.mktemp("set"), {"train/a": 9, "train/b": 8, "val/a": 1}))
    return decode_pictures(data, data.samples("train"), short_side=16, limit_bytes=10_000)


def _loader(
    pictures: PictureCache,
    *,
    batch_size: int = 4,
    seed: int = 0,
    num_workers: int = 0,
    augment: AugmentConfig = STRONG,
) -> TrainLoader:
    return TrainLoader(
        pictures,
        num_classes=2,
        augment=augment,
        preprocessing=RULE,
        batch_size=batch_size,
        seed=seed,
        num_workers=num_workers,
    )


def _assert_same(first: Iterator[Batch], second: Iterator[Batch], *, count: int) -> None:
    pairs = list(zip(first, second, strict=True))
    assert len(pairs) == count
    for one, other in pairs:
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.targets, other.targets)
        assert torch.equal(one.labels, other.labels)


def test_a_batch_says_what_it_holds(pictures: PictureCache) -> None:
    batch = next(_loader(pictures, augment=AugmentConfig()).epoch(0))
    assert batch.images.shape == (4, 3, 16, 16)
    assert batch.images.dtype == torch.float32
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(batch.targets, torch.nn.functional.one_hot(batch.labels, 2).float())


def test_case_t4_two_workers_give_the_batches_of_none(pictures: PictureCache) -> None:
    alone, helped = _loader(pictures), _loader(pictures, num_workers=2)
    for epoch in (0, 1):
        _assert_same(alone.epoch(epoch), helped.epoch(epoch), count=4)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_case_t4_starting_again_at_step_two_of_epoch_one_continues(pictures: PictureCache, num_workers: int) -> None:
    unbroken = _loader(pictures)
    rest = itertools.islice(unbroken.epoch(1), 2, None)
    again = _loader(pictures, num_workers=num_workers)
    _assert_same(rest, again.epoch(1, start_batch=2), count=2)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_epoch_may_be_left_early(pictures: PictureCache, num_workers: int) -> None:
    loader = _loader(pictures, num_workers=num_workers)
    next(loader.epoch(0))
    _assert_same(loader.epoch(2), _loader(pictures).epoch(2), count=4)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_stream_that_dropout_draws_from_is_left_alone(pictures: PictureCache, num_workers: int) -> None:
    before = torch.default_generator.get_state()
    for _ in _loader(pictures, num_workers=num_workers).epoch(0):
        pass
    assert torch.equal(torch.default_generator.get_state(), before)


def test_epochs_and_seeds_differ(pictures: PictureCache) -> None:
    first = next(_loader(pictures).epoch(0)).images
    assert not torch.equal(first, next(_loader(pictures).epoch(1)).images)
    assert not torch.equal(first, next(_loader(pictures, seed=1).epoch(0)).images)


def test_an_epoch_shows_each_picture_once(pictures: PictureCache) -> None:
    labels = torch.cat([batch.labels for batch in _loader(pictures, batch_size=5).epoch(0)])
    assert torch.bincount(labels).tolist() == [9, 8]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_repeats_show_fewer_pictures_each_varied_anew(pictures: PictureCache, num_workers: int) -> None:
    loader = _loader(pictures, augment=AugmentConfig(repeats=3), batch_size=6, num_workers=num_workers)
    batches = list(loader.epoch(0))
    assert [len(batch.images) for batch in batches] == [6, 6, 5]
    for batch in batches:
        for start in range(0, len(batch.labels) - 2, 3):
            assert len(set(batch.labels[start : start + 3].tolist())) == 1
            first, second, third = batch.images[start : start + 3]
            assert not torch.equal(first, second)
            assert not torch.equal(second, third)
    once = next(_loader(pictures, augment=AugmentConfig(), batch_size=6).epoch(0))
    assert torch.equal(batches[0].images[0], once.images[0])
    assert torch.equal(batches[0].images[3], once.images[1])


@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(4, [4, 4, 4, 4]), (5, [5, 5, 5, 2]), (16, [16]), (17, [17]), (64, [17]), (1, [1] * 17)],
)
def test_a_last_batch_of_one_is_left_out_where_there_is_another(
    pictures: PictureCache, batch_size: int, sizes: list[int]
) -> None:
    loader = _loader(pictures, batch_size=batch_size)
    assert [len(batch.labels) for batch in loader.epoch(0)] == sizes
    assert loader.num_batches == len(sizes)


def test_a_single_picture_is_a_batch(pictures: PictureCache) -> None:
    loader = _loader(pictures.subset(pictures.samples[:1]))
    assert [len(batch.labels) for batch in loader.epoch(0)] == [1]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_resolution_may_change_from_epoch_to_epoch(pictures: PictureCache, num_workers: int) -> None:
    loader = _loader(pictures, num_workers=num_workers)
    shapes = [next(loader.epoch(0, height=side, width=side + 2)).images.shape[2:] for side in (8, 24)]
    assert shapes == [(8, 10), (24, 26)]
    assert next(loader.epoch(1)).images.shape[2:] == (16, 16)


def test_positions_run_through_the_epochs(pictures: PictureCache) -> None:
    loader = _loader(pictures)
    position = Position()
    for _ in range(6):
        position = loader.after(position)
    assert position == Position(epoch=1, batch=2)


def test_bad_settings_are_refused(pictures: PictureCache) -> None:
    with pytest.raises(UsageError, match="batch size is 1 or more"):
        _loader(pictures, batch_size=0)
