"""Independent random streams from one seed and a few labels."""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, *labels: object) -> int:
    """A 63-bit seed that depends on ``seed`` and on every label, the same in each process and on each machine."""
    text = "\x1f".join([str(seed), *(str(label) for label in labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *labels: object) -> np.random.Generator:
    """A numpy generator for the stream that the labels name."""
    return np.random.default_rng(derive(seed, *labels))
