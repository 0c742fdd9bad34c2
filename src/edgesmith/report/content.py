"""What a report says, as plain values: no tensors, no open pictures, nothing that needs another package to read.

Accuracies and scores are shares from 0 to 1, times are in milliseconds or seconds as their names say, sizes in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edgesmith.report.placed import ClassColour, Overlay, PlaceScore, PlaceWords
from edgesmith.report.plotted import CurvePanel, SearchFacts


class Outcome(StrEnum):
    """What became of a candidate; the value is the wording that readers see."""

    WINNER = "winner"
    RACED = "raced to the end"
    STOPPED = "stopped early"
    TOO_COSTLY = "dropped by cost"
    TOO_SLOW = "dropped by latency"
    LEFT_OUT = "left out of the race"
    FAILED = "failed"
    STEP = "a step on the way"


@dataclass(frozen=True, kw_only=True)
class Latency:
    """One measured latency with its interval and where it was measured."""

    ms: float
    low_ms: float
    high_ms: float
    device: str = "onnxruntime"
    threads: int = 1
    contended: bool = False


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """A share of pictures that came out right, with its interval.

    Args:
        pictures_from: Where the pictures are from, for example ``val`` or ``held-out fifth of train``.
        metric: Name of the figure as readers see it.
    """

    value: float
    low: float
    high: float
    num_images: int
    pictures_from: str
    metric: str = "top-1"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The limits that the user set; ``None`` is no limit."""

    latency_ms: float | None = None
    size_bytes: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """The network that won and the file that holds it.

    Args:
        parity: Largest difference between the exported file and its source on real pictures, relative to the
            largest output.
    """

    name: str
    model_hash: str
    parameters: int
    madds: int
    height: int
    width: int
    file_path: str
    file_size_bytes: int
    memory_bytes: int | None = None
    parity: float | None = None


@dataclass(frozen=True, kw_only=True)
class CandidateRow:
    """One network that was considered.

    Args:
        reason: Why that became of it, in one plain sentence.
        latency: Measured on this network's own exported graph; ``None`` if it never came to that.
        estimated_ms: Latency predicted from its cost, for those that were never measured.
        accuracy: Its last score in the race, after ``num_pictures_trained`` pictures.
    """

    name: str
    outcome: Outcome
    reason: str
    madds: int
    parameters: int
    latency: Latency | None = None
    estimated_ms: float | None = None
    accuracy: Accuracy | None = None
    num_pictures_trained: int = 0


@dataclass(frozen=True, kw_only=True)
class ProposalRow:
    """One proposal of a step of NetAdapt.

    Args:
        step: Counted from 1.
        change: Which width, from how many channels to how many.
        predicted_ms: What its latency was thought to be.
        measured_ms: What it measured; ``None`` where there was no time for those that were not chosen.
        accuracy: On the held-out pictures, after its few steps of training; ``None`` for one that was left out.
        accepted: Whether the next step began with it.
        note: Why it was refused or left out.
    """

    step: int
    change: str
    predicted_ms: float
    measured_ms: float | None
    accuracy: float | None
    accepted: bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SizeRow:
    """One network's costs, for a comparison."""

    name: str
    parameters: int
    madds: int
    file_size_bytes: int
    ms: float


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """How one class fared: of its pictures the share found (with interval), of its predictions the share right.

    Args:
        precision: ``None`` where the class was never predicted.
    """

    name: str
    num_images: int
    recall: float
    recall_low: float
    recall_high: float
    precision: float | None


@dataclass(frozen=True, kw_only=True)
class ClassGuess:
    """A class with the score that the model gave it."""

    name: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A picture that came out wrong.

    Args:
        thumbnail: JPEG bytes, best of the very crop that the model saw.
        guesses: The highest scores first; the first is the prediction.
    """

    file: str
    thumbnail: bytes
    truth: str
    guesses: tuple[ClassGuess, ...]


@dataclass(frozen=True, kw_only=True)
class SplitCount:
    """Pictures of one split, one number for each class in the order of the report's ``classes``."""

    split: str
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class DataProblem:
    """Something wrong with one file or folder of the data."""

    kind: str
    file: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class StageTime:
    """What a stage of the run was thought to take, and took."""

    name: str
    forecast_s: float
    actual_s: float


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Under what the latency was measured; ``versions`` are (package, version) pairs."""

    cpu: str
    num_cores: int
    threads: int
    precision: str
    load_average: float
    contended: bool
    num_rounds: int
    measured_at: str
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line, and what it is good for."""

    text: str
    purpose: str


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """All that `report.html` of a fit, or of another verb that ends with one network, shows.

    Args:
        data: The data set as the user named it.
        candidates: Every network considered, in the order tried; the rows are numbered from 1.
        confusion: ``confusion[t][p]`` counts pictures of class ``t`` predicted as ``p``; empty for none.
        mistakes: Those to show, the most confident first; ``num_mistakes`` counts all.
        place_scores: Of a segmenter or detector, instead of the class scores, and ``place_words`` what they are;
            ``overlays`` are its worst pictures, worst first, and ``colours`` say what their colours mean.
        forecast_s: What all of it was thought to take, as it was printed in the beginning; None takes the stages' sum.
        verb: The verb that wrote it.
        proposals: Of all steps of NetAdapt, in order; empty for other verbs.
        sizes: The network before and after NetAdapt.
    """

    data: str
    created_at: str
    edgesmith_version: str
    budget: Budget
    model: ModelFacts
    latency: Latency
    accuracy: Accuracy
    classes: tuple[str, ...]
    candidates: tuple[CandidateRow, ...]
    search: SearchFacts | None = None
    panels: tuple[CurvePanel, ...] = ()
    class_scores: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    num_mistakes: int = 0
    place_scores: tuple[PlaceScore, ...] = ()
    place_words: PlaceWords | None = None
    overlays: tuple[Overlay, ...] = ()
    colours: tuple[ClassColour, ...] = ()
    splits: tuple[SplitCount, ...] = ()
    problems: tuple[DataProblem, ...] = ()
    stages: tuple[StageTime, ...] = ()
    forecast_s: float | None = None
    conditions: Conditions
    repeat: tuple[Command, ...] = ()
    next_steps: tuple[Command, ...] = ()
    verb: str = "fit"
    proposals: tuple[ProposalRow, ...] = ()
    sizes: tuple[SizeRow, ...] = ()

    def __post_init__(self) -> None:
        size = len(self.classes)
        square = len(self.confusion) == size and all(len(row) == size for row in self.confusion)
        assert square or not self.confusion, f"the confusion matrix must be {size} by {size}"
        for split in self.splits:
            assert len(split.counts) == size, f"split {split.split!r} must count each class"
