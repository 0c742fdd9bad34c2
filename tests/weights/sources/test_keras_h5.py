from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesmith.core.errors import WeightsError
from edgesmith.weights.sources.keras_h5 import Variables, read_variables

h5py: Any = pytest.importorskip("h5py", reason="h5py is not installed")

NORM = [np.zeros(4, np.float32)] * 4


def ones(*shape: int) -> NDArray[np.float32]:
    return np.ones(shape, np.float32)


def read_keras3(path: Path, groups: dict[str, list[NDArray[np.float32]]]) -> Variables:
    """Write Keras 3's layout without the names that its newer versions add, and read it."""
    with h5py.File(path / "net.h5", "w") as file:
        for group, values in groups.items():
            for number, value in enumerate(values):
                file[f"{group}/vars/{number}"] = value
    with h5py.File(path / "net.h5") as file:
        return read_variables(file)


def test_the_order_between_classes_is_found_again(tmp_path: Path) -> None:
    variables = read_keras3(
        tmp_path,
        {
            "layers/conv2d": [ones(3, 3, 3, 4)],
            "layers/conv2d_1": [ones(1, 1, 4, 2), ones(2)],  # a gate: it has a bias
            "layers/conv2d_2": [ones(1, 1, 2, 4), ones(4)],
            "layers/conv2d_10": [ones(1, 1, 4, 4)],  # eleventh by number, last by name
            "layers/conv2d_9": [ones(1, 1, 4, 8)],
            "layers/depthwise_conv2d": [ones(3, 3, 4, 1)],
            "layers/depthwise_conv2d_1": [ones(5, 5, 8, 1)],
            "layers/dense": [ones(4, 7), ones(7)],
            **{f"layers/batch_normalization_{number}": NORM for number in range(1, 5)},
            "layers/batch_normalization": NORM,
            "optimizer": [ones(9)],
            "layers/random_flip/seed_generator": [ones(2)],
        },
    )
    shapes = [next(iter(weights.values())).shape for _, weights in variables]
    kernels = [shape for shape in shapes if len(shape) > 1]
    assert kernels == [
        (3, 3, 3, 4), (3, 3, 4, 1), (1, 1, 4, 2), (1, 1, 2, 4), (1, 1, 4, 8), (5, 5, 8, 1), (1, 1, 4, 4), (4, 7),
    ]  # fmt: skip
    assert [list(weights) for _, weights in variables].count(["gamma", "beta", "moving_mean", "moving_variance"]) == 5


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"layers/lstm": [ones(2)]}, r"no layer like 'layers/lstm/vars' \(layers/lstm/vars\)"),
        ({"layers/dense": [ones(2, 2), ones(2), ones(2)]}, "no layer like 'layers/dense/vars'"),
        ({"layers/conv2d": [ones(3, 3, 3, 4)]}, "0 batch norms for 1 layers without a bias"),
        (
            {"layers/conv2d": [ones(3, 3, 3, 4)], "layers/depthwise_conv2d": [ones(3, 3, 5, 1)]},
            "no convolution makes the 5 channels that 'layers/depthwise_conv2d/vars' reads",
        ),
        ({"layers/other/nothing": [ones(1)][:0]}, "no Keras weights in it; it holds: nothing"),
    ],
)
def test_what_is_no_mobilenet_is_refused(tmp_path: Path, groups: dict[str, Any], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        read_keras3(tmp_path, groups)
