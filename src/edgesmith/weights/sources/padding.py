"""Which of the zoo's padding rules a file's borders follow."""

from __future__ import annotations

from edgesmith.arch.names import Padding

Sides = tuple[tuple[int, int], tuple[int, int]]  # rows above and below, columns left and right

NO_SIDES: Sides = ((0, 0), (0, 0))


def same_sides(size: tuple[int, int], kernel: tuple[int, int], stride: int) -> Sides:
    """TensorFlow's SAME at an input of ``size`` (height, width); the odd pixel is at the bottom and right."""
    first, second = (_same(*pair, stride) for pair in zip(size, kernel, strict=True))
    return first, second


def fitting(sides: Sides, size: tuple[int, int], kernel: tuple[int, int], stride: int) -> frozenset[Padding]:
    """The rules that pad an input of ``size`` in just this way; several where they agree."""
    half = tuple(((side - 1) // 2, (side - 1) // 2) for side in kernel)
    rules = {Padding.SAME: same_sides(size, kernel, stride), Padding.SYMMETRIC: half, Padding.VALID: NO_SIDES}
    return frozenset(rule for rule, wanted in rules.items() if wanted == sides)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
