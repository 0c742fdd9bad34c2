"""What is read from the public scripts' output, and that their short runs keep the shape of the published ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from peers.scripts import DECAY, SCRIPTS, Script, timm_score, torchvision_score

SCRIPT = Script(
    path=Path("train.py"),
    data=Path("pictures"),
    side=128,
    batch_size=64,
    workers=2,
    epochs=150,
    classes=5,
    seed=0,
    out=Path("out"),
    augment=True,
)


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_torchvisions_last_score_counts() -> None:
    printed = "Test:   Acc@1 41.500 Acc@5 100.000\nEpoch: [1] Total time: 0:00:09\nTest:   Acc@1 52.250 Acc@5 100.000\n"
    assert torchvision_score(printed) == pytest.approx(0.5225)


def test_timms_better_one_of_weights_and_average_counts() -> None:
    rows = [
        "Test: [   0/6]  Time: 0.4 (0.4)  Loss:   1.1 ( 1.1)  Acc@1:  60.000 ( 60.000)  Acc@5: 100.000 (100.000)",
        "Test: [   6/6]  Time: 0.1 (0.2)  Loss:   1.2 ( 1.0)  Acc@1:  50.000 ( 71.250)  Acc@5: 100.000 (100.000)",
        "Test (EMA): [   6/6]  Time: 0.1 (0.2)  Loss:   1.6 ( 1.6)  Acc@1:  25.000 ( 22.500)  Acc@5: 95.0 (95.0)",
    ]
    assert timm_score("\n".join(rows)) == pytest.approx(0.7125)


@pytest.mark.parametrize("epochs", [10, 150, 600])
def test_the_rate_falls_as_far_as_in_the_published_run(epochs: int) -> None:
    command, _ = SCRIPTS["torchvision"]
    words = command(replace(SCRIPT, epochs=epochs))
    assert float(option(words, "--lr-gamma")) ** epochs == pytest.approx(DECAY**300)
    assert float(option(words, "--lr")) == pytest.approx(0.004)
    command, _ = SCRIPTS["timm"]
    words = command(replace(SCRIPT, epochs=epochs))
    assert epochs / float(option(words, "--decay-epochs")) == pytest.approx(250)


@pytest.mark.parametrize("name", SCRIPTS)
def test_without_augmentation_crops_and_flips_are_left(name: str) -> None:
    command, _ = SCRIPTS[name]
    words = command(replace(SCRIPT, augment=False))
    assert not {"--aa", "--auto-augment", "--random-erase", "--reprob"} & set(words)
