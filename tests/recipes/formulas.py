"""A device and a training that are formulas, for tests of searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.choices import Encoding
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.devices.across import Target
from edgesmith.devices.base import Fingerprint
from edgesmith.devices.results import Latency
from edgesmith.recipes.proxy import Proxy, cost_numbers
from edgesmith.search.cost_model import costs_of

LAW = np.array([0.1, 0.005, 0.01, 0.02, 0.05, 0.03, 0.02, 0.01])
ZOO = (find("mobilenet_v3_small@resolution=32"),)


def true_ms(spec: NetSpec) -> float:
    """Latency on the device that is a formula: costs, and a tenth that they do not explain."""
    return float(np.dot(costs_of(spec), LAW) * (1 + 0.05 * np.sin(count_total(spec).parameters)))


def timed(specs: Sequence[NetSpec], target: Target, **_: Any) -> tuple[Latency, ...]:
    """In place of `measure_specs`."""
    fingerprint = Fingerprint(
        device=str(target),
        runtime="formula",
        version="1",
        precision="float32",
        threads=1,
        cpu="none",
        os="none",
        python="3",
    )
    return tuple(
        Latency(
            name=spec.name,
            device=str(target),
            ms=true_ms(spec),
            low_ms=0.99 * true_ms(spec),
            high_ms=1.01 * true_ms(spec),
            p90_ms=true_ms(spec),
            first_run_ms=true_ms(spec),
            rounds=10,
            loads=4,
            basis="median",
            lowest_ms=true_ms(spec),
            anchor_ratio=1.0,
            contended=False,
            fingerprint=fingerprint,
        )
        for spec in specs
    )


class Formula(Proxy):
    """A training that is a formula: parameters help, less and less."""

    asked: list[Encoding] = []  # noqa: RUF012 - the test empties it
    begun: set[str] = set()  # noqa: RUF012 - as above: the weights that candidates begin with

    def __call__(self, point: Encoding) -> Mapping[str, float]:
        spec = self.space.decode(point)
        self.asked.append(point)
        self.begun.add(self.weights)
        costs = cost_numbers(spec, self.latency)
        accuracy = float(1 - np.exp(-costs["parameters"] / 1e6))
        return {"accuracy": accuracy, "pictures": float(self.pictures), **costs}

    def speed(self, point: Encoding, *, steps: int = 6) -> float:
        del point, steps
        return 300.0
