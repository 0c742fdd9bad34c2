"""A report with something in every part: five classes of flowers, 400 pictures, nine candidates."""

from __future__ import annotations

import math

from edgesmith.report.content import (
    Accuracy,
    Budget,
    CandidateRow,
    ClassGuess,
    ClassScore,
    Command,
    Conditions,
    DataProblem,
    FitReport,
    Latency,
    Mistake,
    ModelFacts,
    Outcome,
    SplitCount,
    StageTime,
)
from edgesmith.report.plotted import Curve, CurvePanel

CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
CONFUSION = ((69, 6, 1, 3, 1), (2, 75, 0, 3, 0), (2, 1, 62, 2, 13), (1, 4, 1, 72, 2), (2, 1, 14, 3, 60))
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


def latency(ms: float) -> Latency:
    return Latency(ms=ms, low_ms=ms * 0.978, high_ms=ms * 1.028)


def accuracy(value: float, *, num_images: int = 654, pictures_from: str = "held-out fifth of train") -> Accuracy:
    half = 1.96 * math.sqrt(value * (1 - value) / num_images)
    return Accuracy(
        value=value, low=value - half, high=value + half, num_images=num_images, pictures_from=pictures_from
    )


def candidates() -> tuple[CandidateRow, ...]:
    raced = [
        ("mobilenet_v3_small@resolution=128", Outcome.STOPPED, 0.98, 0.621, 5200, 20.3, 1.53),
        ("mobilenet_v3_small@resolution=160", Outcome.RACED, 1.31, 0.742, 15600, 29.6, 1.53),
        ("mobilenet_v3_small@width=1.25,resolution=144", Outcome.RACED, 1.44, 0.751, 15600, 36.1, 2.33),
        ("mobilenet_v3_large@width=0.5,resolution=128", Outcome.WINNER, 1.18, 0.768, 15600, 24.9, 1.34),
        ("mobilenet_v3_small@width=0.75,resolution=160", Outcome.STOPPED, 1.05, 0.644, 5200, 20.6, 1.02),
        ("mobilenet_v3_large@width=0.35,resolution=160", Outcome.STOPPED, 1.27, 0.688, 10400, 22.4, 0.86),
    ]
    reasons = {
        Outcome.STOPPED: "after {count:,} pictures its score was in the lower half",
        Outcome.RACED: "stayed to the last round and came behind the winner",
        Outcome.WINNER: "best score of the last round, 1.7 points ahead of the next",
    }
    rows = [
        CandidateRow(
            name=name,
            outcome=outcome,
            reason=reasons[outcome].format(count=count),
            madds=round(madds * 1e6),
            parameters=round(parameters * 1e6),
            latency=latency(ms),
            accuracy=accuracy(score),
            num_pictures_trained=count,
        )
        for name, outcome, ms, score, count, madds, parameters in raced
    ]
    slow = CandidateRow(
        name="mobilenet_v3_large@width=0.75,resolution=128",
        outcome=Outcome.TOO_SLOW,
        reason="1.98 ms measured, the budget is 1.5 ms",
        madds=51_300_000,
        parameters=2_710_000,
        latency=latency(1.98),
    )
    costly = [
        CandidateRow(
            name=name,
            outcome=Outcome.TOO_COSTLY,
            reason=f"{madds} M multiply-adds take about {ms} ms, over twice the budget",
            madds=round(madds * 1e6),
            parameters=round(parameters * 1e6),
            estimated_ms=ms,
        )
        for name, ms, madds, parameters in [
            ("mobilenet_v3_large@resolution=160", 3.4, 112, 4.21),
            ("mobilenet_v3_large@resolution=224", 6.2, 217, 4.21),
        ]
    ]
    return (costly[1], costly[0], slow, *rows)


def panels() -> tuple[CurvePanel, ...]:
    pictures = tuple(float(64 * step) for step in range(1, 1400))
    train = tuple(0.45 + 1.25 * math.exp(-x / 18000) + 0.06 * math.sin(x) for x in pictures)
    evaluations = pictures[99::100]
    held_out = tuple(0.62 + 1.05 * math.exp(-x / 14000) for x in evaluations)
    score = tuple(0.86 - 0.55 * math.exp(-x / 15000) for x in evaluations)
    rate = tuple(0.004 * min(1.0, x / 6000) * 0.5 * (1 + math.cos(math.pi * x / pictures[-1])) for x in pictures)
    return (
        CurvePanel(
            title="Loss",
            curves=(
                Curve(label="training", xs=pictures, ys=train),
                Curve(label="held-out", xs=evaluations, ys=held_out),
            ),
        ),
        CurvePanel(
            title="Held-out accuracy", curves=(Curve(label="top-1", xs=evaluations, ys=score),), as_percent=True
        ),
        CurvePanel(title="Learning rate", curves=(Curve(label="rate", xs=pictures, ys=rate),)),
    )


def class_scores() -> tuple[ClassScore, ...]:
    columns = [sum(row[index] for row in CONFUSION) for index in range(len(CLASSES))]
    scores = []
    for index, name in enumerate(CLASSES):
        recall = accuracy(CONFUSION[index][index] / 80, num_images=80)
        scores.append(
            ClassScore(
                name=name,
                num_images=80,
                recall=recall.value,
                recall_low=recall.low,
                recall_high=min(1.0, recall.high),
                precision=CONFUSION[index][index] / columns[index],
            )
        )
    return tuple(scores)


def mistakes(*, count: int = 18) -> tuple[Mistake, ...]:
    pairs = [("roses", "tulips"), ("tulips", "roses"), ("daisy", "dandelion"), ("sunflowers", "dandelion")]
    shown = []
    for index in range(count):
        truth, guess = pairs[index % len(pairs)]
        score = 0.97 - 0.025 * index
        guesses = (
            (guess, score),
            (truth, (1 - score) * 0.7),
            ("sunflowers" if truth != "sunflowers" else "daisy", 0.01),
        )
        shown.append(
            Mistake(
                file=f"val/{truth}/{4803181 * (index + 7)}_{index:02d}f5dc86d8_n.jpg",
                thumbnail=JPEG,
                truth=truth,
                guesses=tuple(ClassGuess(name=name, score=share) for name, share in guesses),
            )
        )
    return tuple(shown)


def sample_report() -> FitReport:
    return FitReport(
        data="flowers.zip",
        created_at="2026-03-14 10:42",
        edgesmith_version="0.1.0",
        budget=Budget(latency_ms=1.5),
        model=ModelFacts(
            name="mobilenet_v3_large@width=0.5,resolution=128",
            model_hash="7f3a9c21e0b4",
            parameters=1_344_000,
            madds=24_900_000,
            height=128,
            width=128,
            file_path="runs/fit-flowers/bundle/model.onnx",
            file_size_bytes=5_410_000,
            parity=3.1e-7,
        ),
        latency=Latency(ms=1.17, low_ms=1.15, high_ms=1.20),
        accuracy=accuracy(0.845, num_images=400, pictures_from="val"),
        classes=CLASSES,
        candidates=candidates(),
        panels=panels(),
        class_scores=class_scores(),
        confusion=CONFUSION,
        mistakes=mistakes(),
        num_mistakes=62,
        splits=(
            SplitCount(split="train", counts=(553, 818, 561, 619, 719)),
            SplitCount(split="val", counts=(80, 80, 80, 80, 80)),
        ),
        problems=(
            DataProblem(
                kind="truncated", file="train/roses/1445228333_59a07e0801.jpg", detail="ends after 31 kB, skipped"
            ),
            DataProblem(
                kind="not a picture", file="train/tulips/Thumbs.db", detail="no picture format that is known, skipped"
            ),
        ),
        stages=(
            StageTime(name="Check the pictures", forecast_s=20, actual_s=14),
            StageTime(name="Measure candidates", forecast_s=45, actual_s=52),
            StageTime(name="Race", forecast_s=400, actual_s=371),
            StageTime(name="Train the winner", forecast_s=880, actual_s=842),
            StageTime(name="Export, measure, report", forecast_s=35, actual_s=41),
        ),
        conditions=Conditions(
            cpu="Intel Xeon @ 2.60 GHz",
            num_cores=2,
            threads=1,
            precision="float32",
            load_average=0.42,
            contended=False,
            num_rounds=60,
            measured_at="2026-03-14 10:41",
            versions=(("edgesmith", "0.1.0"), ("onnxruntime", "1.32.0"), ("torch", "2.14.1"), ("Python", "3.11.9")),
        ),
        repeat=(
            Command(
                text="edgesmith fit flowers.zip --budget 1.5ms --effort quick --seed 0", purpose="The whole run again."
            ),
            Command(
                text="edgesmith measure runs/fit-flowers/bundle", purpose="Only the latency, on the machine at hand."
            ),
            Command(
                text="edgesmith evaluate runs/fit-flowers/bundle flowers.zip --device onnxruntime",
                purpose="Only the accuracy of the exported file.",
            ),
        ),
        next_steps=(
            Command(
                text="edgesmith predict runs/fit-flowers/bundle my-picture.jpg", purpose="Try it on a picture of yours."
            ),
            Command(
                text="edgesmith fit flowers.zip --budget 1.5ms --effort standard",
                purpose="Look at more candidates for longer: the budget leaves 0.3 ms.",
            ),
        ),
    )
