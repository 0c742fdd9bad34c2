from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from edgesmith.core.seed import generator
from edgesmith.devices.roofline.product import FLOAT32_PRODUCT, INT8_PRODUCT, Product, encode_product
from edgesmith.runtimes.onnxruntime import OnnxRuntime


@pytest.mark.parametrize("product", [FLOAT32_PRODUCT, INT8_PRODUCT], ids=lambda product: product.operator)
@pytest.mark.parametrize("size", [3, 200])
def test_the_file_is_valid_and_multiplies(product: Product, size: int, tmp_path: Path) -> None:
    rng = generator(0, "test")
    left, right = (rng.integers(0, 100, (size, size)).astype(dtype) for dtype in (product.left, product.right))
    content = encode_product(product, right)
    onnx.checker.check_model(onnx.load_model_from_string(content), full_check=True)
    path = tmp_path / "product.onnx"
    path.write_bytes(content)
    answer = OnnxRuntime().load(path).run(left)
    assert answer.dtype == product.out
    np.testing.assert_array_equal(answer, left.astype(np.int64) @ right.astype(np.int64))
