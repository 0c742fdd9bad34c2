"""The table of what a short training's figures tell is right by hand."""

from __future__ import annotations

import proxy_signal

from edgesmith.arch.cost import count_total
from edgesmith.arch.space.presets import find_space
from edgesmith.arch.zoo.names import find

SPACE = find_space("mobilenet_v3_small", resolutions=(32, 64), num_classes=5)
SMALL = find("mobilenet_v3_small@resolution=64").with_num_classes(5)


def row(net: int, seed: int, accuracy: float, log_loss: float) -> dict[str, object]:
    return {"set": "flowers", "net": net, "seed": seed, "accuracy": accuracy, "log_loss": log_loss}


def test_networks_are_near_the_limit_and_each_is_there_once() -> None:
    reference = SPACE.decode(SPACE.encode(SMALL))
    most = count_total(reference).madds
    points = proxy_signal.drawn(SPACE, reference, count=5)
    assert len(set(points)) == 5
    assert all(0.9 * most <= count_total(SPACE.decode(point)).madds <= most for point in points)


def test_a_figure_that_repeats_agrees_with_itself_and_one_by_chance_does_not() -> None:
    first = [(0.5, 1.0), (0.6, 0.9), (0.5, 0.8), (0.6, 0.7)]
    second = [(0.5, 1.0), (0.5, 0.9), (0.6, 0.8), (0.6, 0.7)]
    rows = [row(net, 0, *values) for net, values in enumerate(first)]
    rows += [row(net, 1, *values) for net, values in enumerate(second)]
    _, _, accuracy, loss = proxy_signal.table(rows)
    assert "| accuracy | 0.00 (-0.96 to 0.96) |" in accuracy
    assert "| log loss | 1.00 (" in loss
    # The loss falls evenly: its correlations with the two rows of accuracies are 1/sqrt(5) and 2/sqrt(5).
    assert loss.rstrip(" |").endswith("0.67")


def test_a_network_that_one_seed_lacks_does_not_count() -> None:
    rows = [row(net, seed, 0.5 + 0.1 * net, 1.0 - 0.1 * net) for net in range(4) for seed in (0, 1)]
    assert proxy_signal.table(rows) == proxy_signal.table([*rows, row(4, 0, 0.1, 5.0)])


def test_an_interval_is_fishers() -> None:
    assert proxy_signal.with_interval(0.5, 28) == "0.50 (0.16 to 0.74)"


def test_too_few_networks_give_no_line() -> None:
    assert len(proxy_signal.table([row(0, 0, 0.5, 1.0)])) == 2
