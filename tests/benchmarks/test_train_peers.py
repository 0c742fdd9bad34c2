"""The tables of trainings side by side: means with intervals, ratios round by round."""

from __future__ import annotations

import train_peers
import zoo_peers


def test_speeds_are_compared_round_by_round() -> None:
    rows = [
        {"arm": arm, "round": number, "pictures_per_s": speed * (1 + number)}
        for arm, speed in (("edgesmith", 300.0), ("torchvision", 200.0))
        for number in range(3)
    ]
    lines = train_peers.table(rows, "speed")
    assert lines[2:] == [
        "| edgesmith | 600 | 1.00 (1.00 to 1.00) |",
        "| torchvision | 400 | 1.50 (1.50 to 1.50) |",
    ]


def test_accuracies_have_a_mean_and_the_number_of_seeds() -> None:
    rows = [{"arm": "timm", "top1": top1} for top1 in (0.70, 0.72, 0.74)]
    assert train_peers.table(rows, "accuracy")[2:] == ["| timm | 72.0 (67.0 to 77.0) | 3 |"]


def test_a_library_that_has_no_such_network_has_an_empty_cell() -> None:
    ratio = {"ratio": 0.9, "low": 0.88, "high": 0.92, "verdict": "faster"}
    row = {"network": "mobilenet_v1", "latency": {"edgesmith": 3.0}, "ratios": {"timm": ratio}}
    assert zoo_peers.table([row])[2:] == ["| `mobilenet_v1` | 3.00 ms |  | 0.900 (0.880 to 0.920) |"]
