from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError
from edgesmith.devices.base import Conditions, conditions_to_dict
from tests.devices.fakes import FINGERPRINT, make_session


def test_a_later_session_counts_the_loads_on() -> None:
    first = make_session([1.0, 2.0], rng=np.random.default_rng(0), loads=3, rounds=2)
    later = make_session([1.0, 2.0], rng=np.random.default_rng(1), loads=2, rounds=2)
    first = replace(first, conditions=Conditions(cores=(1,), load_before=0.1, steal=0.0, switches=3, notes=("a",)))
    later = replace(later, conditions=Conditions(cores=(1, 0), load_after=0.9, steal=0.5, switches=4, notes=("a",)))
    both = first.followed_by(later)
    assert both.num_loads == 5
    assert len(both.samples) == len(first.samples) + len(later.samples)
    assert both.first_runs_ms == ((10.0,) * 5, (20.0,) * 5)
    assert both.seconds == 5.0
    assert both.conditions == Conditions(
        cores=(1, 0), load_before=0.1, load_after=0.9, steal=0.2, switches=7, notes=("a",)
    )


def test_case_l3_other_settings_are_not_compared() -> None:
    first = make_session([1.0], rng=np.random.default_rng(0), loads=3)
    other = replace(first, fingerprint=replace(FINGERPRINT, threads=2, version="1.1"))
    with pytest.raises(DeviceError, match=r"not comparable: version '1' and '1.1', threads 1 and 2; measure again"):
        first.followed_by(other)


def test_unknown_conditions_are_left_out() -> None:
    assert conditions_to_dict(Conditions(cores=(0,), steal=0.0)) == {"cores": [0], "steal": 0.0, "switches": 0}
