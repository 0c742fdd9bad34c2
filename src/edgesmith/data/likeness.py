"""Pictures that look the same though their bytes differ: resized, recompressed or slightly edited copies.

A picture becomes 128 bits: whether each of 8x8 places is brighter than its neighbour to the left, and than the one
above. Copies differ in a few bits, other pictures in about half of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BITS: Final = 128
NEAR: Final = 7
_SIDE: Final = 8
# Less than this many grey levels apart, places of a picture do not tell it from others.
_LEAST_CONTRAST: Final = 4.0
_LEAST_SIDE: Final = 32
_WORD: Final = 16

# Neighbouring bits say nearly the same; each word takes its bits from all over the picture.
_ORDER: Final = np.random.default_rng(0).permutation(BITS)


def fingerprint(image: Image.Image) -> NDArray[np.uint16] | None:
    """``(8,)`` words of a picture; None where it is too small or too even to be told from others.

    Args:
        image: RGB, upright.
    """
    if min(image.size) < _LEAST_SIDE:
        return None
    small = image.resize((_SIDE + 1, _SIDE + 1), Image.Resampling.BILINEAR).convert("L")
    grey = np.asarray(small, dtype=np.int16)
    if grey.std() < _LEAST_CONTRAST:
        return None
    across, down = grey[:_SIDE, 1:] > grey[:_SIDE, :-1], grey[1:, :_SIDE] > grey[:-1, :_SIDE]
    bits = np.concatenate([across.ravel(), down.ravel()])[_ORDER]
    return np.packbits(bits).view(np.uint16)


def near_pairs(words: NDArray[np.uint16], *, group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of different groups that differ in at most `NEAR` bits.

    Two pictures that differ in no more than 7 bits agree in one of 8 words at least, so that only those that share a
    word are compared.

    Args:
        words: ``(N, 8)``, as `fingerprint` gives them.
        group: ``(N,)``; pairs within a group are of no interest.

    Returns:
        ``(P, 3)``: both places, the smaller first, and the number of bits that differ; sorted, each pair once.
    """
    found = [_sharing(words, group, word) for word in range(words.shape[1])]
    pairs = np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), dtype=np.int64)
    differing = np.bitwise_count(words[pairs[:, 0]] ^ words[pairs[:, 1]]).sum(axis=1, dtype=np.int64)
    near = differing <= NEAR
    return np.concatenate([pairs[near], differing[near, None]], axis=1)


def _sharing(words: NDArray[np.uint16], group: NDArray[np.int64], word: int) -> NDArray[np.int64]:
    """Pairs of different groups that agree in one word and are not far apart in all."""
    order = np.argsort(words[:, word], kind="stable")
    ends = np.flatnonzero(np.diff(words[order, word])) + 1
    kept: list[NDArray[np.int64]] = [np.empty((0, 2), dtype=np.int64)]
    for run in np.split(order, ends):
        for place in range(len(run) - 1):
            first, others = run[place], run[place + 1 :]
            others = others[group[others] != group[first]]
            close = np.bitwise_count(words[others] ^ words[first]).sum(axis=1, dtype=np.int64) <= NEAR
            others = others[close]
            if len(others):
                pair = np.stack([np.minimum(first, others), np.maximum(first, others)], axis=1)
                kept.append(pair.astype(np.int64))
    return np.concatenate(kept)
