"""Pictures that look the same though their bytes differ: resized, recompressed or slightly edited copies.

A picture becomes 128 bits: whether each of 8x8 places is brighter than its neighbour to the left, and than the one
above. Copies differ in a few bits, other photographs in about half of them. Drawings of little detail come near by
chance, so that pairs are also compared as thumbnails: those of copies go up and down together everywhere.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BITS: Final = 128
NEAR: Final = 7
ALIKE: Final = 0.99
_THUMB: Final = 16
_SIDE: Final = 8
# Less than this many grey levels apart, places of a picture do not tell it from others.
_LEAST_CONTRAST: Final = 4.0
_LEAST_SIDE: Final = 32

# Neighbouring bits say nearly the same; each word takes its bits from all over the picture.
_ORDER: Final = np.random.default_rng(0).permutation(BITS)


class Looks(NamedTuple):
    """What a picture looks like.

    Attributes:
        words: ``(8,)``: its bits.
        thumb: ``(256,)`` grey levels of 16x16 places, their mean 0 and the sum of their squares 1.
    """

    words: NDArray[np.uint16]
    thumb: NDArray[np.float32]

    def alike(self, other: Looks) -> bool:
        """Whether the thumbnails are as those of a picture and its copy: correlated by `ALIKE` or more."""
        return float(self.thumb @ other.thumb) >= ALIKE


def look_at(image: Image.Image) -> Looks | None:
    """A picture's looks; None where it is too small or too even to be told from others.

    Args:
        image: RGB, upright.
    """
    if min(image.size) < _LEAST_SIDE:
        return None
    grey = _grey(image, _SIDE + 1)
    if grey.std() < _LEAST_CONTRAST:
        return None
    across, down = grey[:_SIDE, 1:] > grey[:_SIDE, :-1], grey[1:, :_SIDE] > grey[:-1, :_SIDE]
    bits = np.concatenate([across.ravel(), down.ravel()])[_ORDER]
    thumb = _grey(image, _THUMB).ravel()
    thumb -= thumb.mean()
    return Looks(np.packbits(bits).view(np.uint16), thumb / np.linalg.norm(thumb))


def near_pairs(words: NDArray[np.uint16], *, group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of different groups that differ in at most `NEAR` bits.

    Two pictures that differ in no more than 7 bits agree in one of 8 words at least, so that only those that share a
    word are compared.

    Args:
        words: ``(N, 8)``, as of `Looks`.
        group: ``(N,)``; pairs within a group are of no interest.

    Returns:
        ``(P, 3)``: both places, the smaller first, and the number of bits that differ; sorted, each pair once.
    """
    found = [_sharing(words, group, word) for word in range(words.shape[1])]
    pairs = np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), dtype=np.int64)
    differing = np.bitwise_count(words[pairs[:, 0]] ^ words[pairs[:, 1]]).sum(axis=1, dtype=np.int64)
    near = differing <= NEAR
    return np.concatenate([pairs[near], differing[near, None]], axis=1)


def _grey(image: Image.Image, side: int) -> NDArray[np.float32]:
    """``(side, side)`` levels 0..255."""
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR).convert("L"), dtype=np.float32)


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
