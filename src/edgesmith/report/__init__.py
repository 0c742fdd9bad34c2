"""Results as a page and as lines of text; components are functions from values to markup."""

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
from edgesmith.report.page import render, write
from edgesmith.report.plotted import Curve, CurvePanel
from edgesmith.report.wording import summary_lines

__all__ = [
    "Accuracy",
    "Budget",
    "CandidateRow",
    "ClassGuess",
    "ClassScore",
    "Command",
    "Conditions",
    "Curve",
    "CurvePanel",
    "DataProblem",
    "FitReport",
    "Latency",
    "Mistake",
    "ModelFacts",
    "Outcome",
    "SplitCount",
    "StageTime",
    "render",
    "summary_lines",
    "write",
]
