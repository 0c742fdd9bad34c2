"""NetAdapt's proposals are all there are, and its choice is what the papers say, by brute force and by hand."""

from __future__ import annotations

import pytest

from edgesmith.arch.cost import count_total
from edgesmith.arch.edits.widths import WidthKind, widths_of, with_width
from edgesmith.arch.network import trace_network
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import UsageError
from edgesmith.search.netadapt import (
    ORIGINAL,
    PAPER,
    Proposal,
    Rule,
    Schedule,
    Tried,
    choose,
    is_same_make,
    limit_of,
    narrowest,
    near,
    propose,
)

NETS = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_small_minimalistic",
    "mnasnet_a1",
    "mobilenet_v4_conv_small",
    "lraspp_mobilenet_v3_small",
    "raspp_mobilenet_v3_large",
    "ssdlite_mobilenet_v3_small",
)
SMALL = find("mobilenet_v3_small@resolution=96")


def madds(spec: NetSpec) -> float:
    """A latency that needs no device: milliseconds at a million multiply-adds each."""
    return count_total(spec).madds / 1e6


@pytest.mark.parametrize("name", NETS)
def test_every_width_that_can_save_enough_is_proposed_and_no_wider_one_would_do(name: str) -> None:
    spec = find(f"{name}@resolution=96")
    limit = 0.99 * madds(spec)
    found = {proposal.width: proposal for proposal in propose(spec, madds, limit_ms=limit)}
    for width in widths_of(spec):
        step = 8 * width.unit
        options = [step * count for count in range(1, (width.channels - 1) // step + 1)]
        nets = {channels: with_width(spec, width, channels) for channels in options}
        fitting = [channels for channels, net in nets.items() if madds(net) <= limit and keys(net) == keys(spec)]
        assert (width in found) == bool(fitting)
        if fitting:
            assert found[width].channels == max(fitting)
            assert found[width].ms == madds(found[width].spec) <= limit
    assert {width.kind for width in found} <= set(WidthKind)


def keys(spec: NetSpec) -> set[str]:
    return set(trace_network(spec).tensors())


def test_an_expansion_never_vanishes_into_its_input() -> None:
    """Block 2 of Small widens 16 to 72: at 16 its first convolution would go, so 24 or 8 it is."""
    width = next(each for each in widths_of(SMALL) if each.name == "expansion of block 2")
    bare = with_width(SMALL, width, 16)
    assert keys(bare) < keys(SMALL)
    assert not is_same_make(SMALL, bare)
    limit = madds(with_width(SMALL, width, 24)) - 0.001
    (just,) = [each for each in propose(SMALL, madds, limit_ms=limit) if each.width == width]
    assert just.channels == 8


@pytest.mark.parametrize("name", NETS)
def test_nothing_that_can_be_proposed_is_faster_than_the_narrowest(name: str) -> None:
    spec = find(f"{name}@resolution=96")
    least = narrowest(spec)
    assert keys(least) == keys(spec)
    assert {width.channels for width in widths_of(least)} <= {8, 16}
    assert not propose(least, madds, limit_ms=0.98 * madds(least))


def test_case_p6_the_same_step_is_the_same_structure_twenty_times() -> None:
    """Widths are read off the channel groups: nothing is run, so nothing can differ."""
    limit = 0.97 * madds(SMALL)
    found = {tuple(model_hash(each.spec) for each in propose(SMALL, madds, limit_ms=limit)) for _ in range(20)}
    assert len(found) == 1
    assert len(found.pop()) > 5


def test_the_last_step_lands_at_the_budget_and_not_beyond() -> None:
    assert limit_of(10, cut_ms=0.1, aim_ms=8) == 9.9
    assert limit_of(8.05, cut_ms=0.1, aim_ms=8) == 8
    steps = [tried(0.7, ms).proposal for ms in (7.99, 7.9, 5.0)]
    assert near(steps, floor_ms=7.8) == tuple(steps[:2])
    assert near(steps[2:], floor_ms=7.8) == (steps[2],)


def tried(accuracy: float, ms: float) -> Tried:
    width = widths_of(SMALL)[0]
    return Tried(proposal=Proposal(spec=SMALL, width=width, channels=8, ms=ms), accuracy=accuracy, ms=ms)


def test_the_paper_takes_the_flattest_slope_and_the_original_the_most_accurate() -> None:
    """From 70 % at 10 ms: 0.5 points for 0.1 ms, 1 point for 0.4 ms, 3 points for 1 ms."""
    near, middle, far = tried(0.695, 9.9), tried(0.69, 9.6), tried(0.67, 9.0)
    assert choose([near, middle, far], accuracy=0.7, ms=10) is middle
    assert choose([near, middle, far], accuracy=0.7, ms=10, rule=Rule.ACCURACY) is near


def test_a_gain_in_accuracy_wins_and_counts_by_the_millisecond() -> None:
    gain, larger = tried(0.71, 9.9), tried(0.72, 9.0)
    assert choose([gain, larger, tried(0.70, 8.0)], accuracy=0.7, ms=10) is gain


def test_what_is_not_faster_is_never_chosen() -> None:
    with pytest.raises(UsageError, match=r"none of 1 proposals is faster than 10.000 ms"):
        choose([tried(0.9, 10.0)], accuracy=0.7, ms=10)
    assert choose([tried(0.9, 10.5), tried(0.1, 9.9)], accuracy=0.7, ms=10).accuracy == 0.1


def test_steps_follow_the_papers_schedule_and_the_originals() -> None:
    assert [PAPER.cut_ms(number, 50) for number in (0, 1, 30)] == [0.5, 0.5, 0.5]
    assert ORIGINAL.cut_ms(0, 100) == 2.5
    assert ORIGINAL.cut_ms(2, 100) == pytest.approx(2.5 * 0.96**2)
    with pytest.raises(UsageError, match="a step's share must be between 0 and 1"):
        Schedule(share=0)


def test_a_walk_ends_within_a_step_of_its_budget() -> None:
    """Accuracy that falls with the logarithm of what is left: every step saves its share, until the budget is met."""
    spec, seed_ms = SMALL, madds(SMALL)
    budget, steps = 0.9 * seed_ms, 0
    while madds(spec) > budget:
        before = madds(spec)
        made = propose(spec, madds, limit_ms=before - PAPER.cut_ms(steps, seed_ms))
        scored = [Tried(proposal=each, accuracy=0.7 - 0.01 * len(each.width.blocks), ms=each.ms) for each in made]
        winner = choose(scored, accuracy=0.7, ms=before)
        best = max((each.accuracy - 0.7) / (before - each.ms) for each in scored)
        assert (winner.accuracy - 0.7) / (before - winner.ms) == best
        spec, steps = winner.proposal.spec, steps + 1
        assert madds(spec) <= before - 0.01 * seed_ms
    assert 1 <= steps <= 10
