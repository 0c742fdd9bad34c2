from __future__ import annotations

import subprocess
import sys

import numpy as np

from edgesmith.core.seed import derive, generator


def test_streams_are_the_recorded_ones() -> None:
    """Runs are repeated from recorded seeds, so these numbers may never change."""
    assert derive(0) == 3456079177858693020
    assert derive(0, "augment", 3) == 3248100074690797057


def test_every_label_and_its_place_count() -> None:
    seeds = [derive(0), derive(1), derive(0, "a"), derive(0, "b"), derive(0, "a", "b"), derive(0, "b", "a")]
    seeds += [derive(0, "ab"), derive(0, 1), derive(0, 1, 1), derive(0, 11)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_same_in_another_process() -> None:
    code = "from edgesmith.core.seed import derive; print(derive(7, 'x', ('y', 1)))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(made.stdout) == derive(7, "x", ("y", 1))


def test_generators_repeat() -> None:
    assert np.array_equal(generator(3, "a").random(5), generator(3, "a").random(5))
    assert not np.array_equal(generator(3, "a").random(5), generator(3, "b").random(5))
