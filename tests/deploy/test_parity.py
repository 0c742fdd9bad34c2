from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgesmith.core.errors import ExportError, UsageError
from edgesmith.data.pictures import decode
from edgesmith.data.sources import open_source
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.parity import check_parity, compare, run_pictures
from edgesmith.runtimes.onnxruntime import OnnxRuntime
from tests.deploy.models import Model, noise_pictures


def test_compare_by_hand() -> None:
    expected = np.array([[1.0, -4.0], [2.0, 1.9]])
    actual = np.array([[1.0, -4.0], [1.9, 2.0]])
    parity = compare(expected, actual, tolerance=0.03)
    assert parity.relative == pytest.approx(0.1 / 4.0)
    assert parity.top1_agreement == 0.5
    assert parity.num_pictures == 2
    assert parity.passed
    assert not compare(expected, actual, tolerance=0.02).passed


def test_corners_and_scores_are_told_apart_by_hand() -> None:
    """Two boxes of two classes; the first column after the corners is the background's and says nothing."""
    expected = np.array([[[0.1, 0.1, 0.5, 0.5, 0.9, 0.8, 0.1], [0.0, 0.0, 1.0, 1.0, 0.2, 0.3, 0.4]]])
    actual = expected + np.array([[[0.02, 0.0, -0.01, 0.0, 0.0, 0.005, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.11, 0.0]]])
    parity = compare(expected, actual, tolerance=0.2)
    assert (parity.corners, parity.scores) == pytest.approx((0.02, 0.11))
    assert parity.top1_agreement == 0.5, "of boxes"
    assert compare(expected[0], actual[0]).corners is None


def test_corners_of_boxes_that_nobody_is_sure_of_do_not_count() -> None:
    scores = np.linspace(1, 0, 150)
    expected = np.concatenate([np.full((1, 150, 4), 0.5), np.zeros((1, 150, 1)), scores[None, :, None]], axis=2)
    actual = expected.copy()
    actual[0, 149, 0] = 0.0
    parity = compare(expected, actual)
    assert (parity.corners, parity.relative) == (0.0, 0.5)


@pytest.mark.parametrize("wrong", [np.zeros((2, 3)), np.full((2, 2), np.nan)])
def test_answers_that_cannot_be_compared_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ExportError, match="answers"):
        compare(np.ones((2, 2)), wrong)


def test_zero_answers_prove_nothing() -> None:
    with pytest.raises(ExportError, match="all zero"):
        compare(np.zeros((2, 2)), np.zeros((2, 2)))


def test_file_of_other_weights_fails_with_the_figure(tiny: Model, tiny_file: ExportedFile) -> None:
    bias = tiny.net.get_parameter("head.classifier.linear.bias")
    kept = bias.detach().clone()
    try:
        with torch.no_grad():
            bias.add_(0.5)
        with pytest.raises(ExportError, match=r"differs from its source by \d\.\d+e-0\d \(limit 1e-04\) on 4 pictures"):
            check_parity(tiny.net, tiny_file.path, [noise_pictures(4, 48, 40)], preprocessing=tiny.preprocessing)
    finally:
        with torch.no_grad():
            bias.copy_(kept)


def test_no_pictures_is_refused(tiny: Model, tiny_file: ExportedFile) -> None:
    with pytest.raises(UsageError, match="at least one picture"):
        check_parity(tiny.net, tiny_file.path, [], preprocessing=tiny.preprocessing)


def test_fixed_batch_gets_pictures_in_portions(
    tiny: Model, tiny_file: ExportedFile, tiny_pixels_file: ExportedFile
) -> None:
    pictures = noise_pictures(5, 48, 40)
    fixed = run_pictures(OnnxRuntime().load(tiny_pixels_file.path), pictures, preprocessing=tiny.preprocessing)
    free = run_pictures(OnnxRuntime().load(tiny_file.path), pictures, preprocessing=tiny.preprocessing)
    assert compare(free, fixed).relative < 1e-6


def test_parity_on_photographs(small: Model, small_file: ExportedFile, shared_dir: Path) -> None:
    source = open_source(shared_dir / "data" / "flowers" / "flowers.zip")
    names = [name for name in source.names() if name.endswith(".jpg")][::100][:24]
    crops = [small.preprocessing.crop(decode(source.read(name), name=name)) for name in names]
    parity = check_parity(small.net, small_file.path, [np.stack(crops)], preprocessing=small.preprocessing)
    assert parity.num_pictures == len(names) > 10
    assert parity.relative < 1e-4
    assert parity.top1_agreement == 1.0
