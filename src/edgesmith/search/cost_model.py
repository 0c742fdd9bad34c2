"""Latency as a sum of costs, fitted to nets that were measured: what sorts out nets before any is exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from edgesmith.arch.cost import count_total
from edgesmith.arch.spec import NetSpec

Floats = NDArray[np.float64]

# Towards nothing, relative to a net's whole latency: with few nets, like costs share what they explain.
_SHRINKAGE: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """Milliseconds as a weighted sum of `costs_of`.

    Attributes:
        weights: Milliseconds for each cost; none is negative.
    """

    weights: tuple[float, ...]

    def estimate_ms(self, spec: NetSpec) -> float:
        """Latency that the costs suggest, in milliseconds."""
        return float(np.dot(costs_of(spec), self.weights))


def costs_of(spec: NetSpec) -> tuple[float, ...]:
    """What takes time: one net, its blocks, its gates, and in millions its counts (see `edgesmith.arch.cost.Cost`).

    Depthwise convolutions stand apart from the others, because they take more time for each multiply-add.
    """
    cost = count_total(spec)
    gates = sum(getattr(block, "gate", None) is not None for block in spec.blocks)
    counts = (
        cost.madds - cost.depthwise_madds,
        cost.depthwise_madds,
        cost.activation_bytes,
        cost.elementwise,
        cost.parameters,
    )
    return (1.0, float(len(spec.blocks)), float(gates), *(count / 1e6 for count in counts))


def fit_cost_model(specs: Sequence[NetSpec], latencies_ms: Sequence[float]) -> CostModel:
    """Least squares over nets that were measured, without negative weights; errors count in proportion.

    Args:
        specs: At least one net.
        latencies_ms: What they measured.
    """
    costs = np.array([costs_of(spec) for spec in specs])
    measured = np.asarray(latencies_ms, dtype=np.float64)
    scales = np.maximum((costs / measured[:, None]).mean(axis=0), 1e-12)
    rows = costs / measured[:, None] / scales
    shrink = _SHRINKAGE * np.sqrt(len(specs)) * np.eye(costs.shape[1])
    wanted = np.concatenate([np.ones(len(specs)), np.zeros(costs.shape[1])])
    solution, _ = nnls(np.concatenate([rows, shrink]), wanted)
    return CostModel(weights=tuple(float(weight) for weight in solution / scales))


def left_out_errors(specs: Sequence[NetSpec], latencies_ms: Sequence[float]) -> Floats:
    """``(nets,)``: how far each net's estimate is off, relative, by a model that was fitted to all others.

    Args:
        specs: At least two nets.
        latencies_ms: What they measured.
    """
    errors = []
    for place, (spec, ms) in enumerate(zip(specs, latencies_ms, strict=True)):
        others = [*range(place), *range(place + 1, len(specs))]
        model = fit_cost_model([specs[other] for other in others], [latencies_ms[other] for other in others])
        errors.append(model.estimate_ms(spec) / ms - 1)
    return np.array(errors)
