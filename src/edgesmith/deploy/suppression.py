"""Suppression of overlapping boxes inside a detector's ONNX file, by ONNX's own operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.errors import ExportError, UsageError, first_line
from edgesmith.core.files import atomic_files, sha256_path, size_of
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.answers import BOX_VALUES, BOXES_NAME
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.parity import FLOAT_TOLERANCE, Parity, run_pictures
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks.boxes import BoxRule, FoundBoxes, as_answers, find_boxes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_CORNERS: Final = 4
_ANSWERS: Final = "logits"  # what the file answers without suppression
_OUTER: Final = (_ANSWERS, BOXES_NAME)
_END: Final = int(np.iinfo(np.int64).max)


def suppress_inside(exported: ExportedFile, path: Path, *, rule: BoxRule | None = None) -> ExportedFile:
    """Write a detector's ONNX file again, with the suppression of overlaps behind it.

    The new file takes one picture and answers ``boxes``, ``(K, 6)``: corners as shares of the picture, score, and index
    of the class, the surest first. ``K`` is 0 to ``rule.most``, as the picture has it.

    Args:
        exported: The file as it is, fixed to one picture a run.
        path: Of the new file.
        rule: Which boxes are left.

    Raises:
        UsageError: The file takes several pictures, or any number.
        ExportError: The graph cannot be extended.
    """
    import onnx

    from edgesmith.deploy.onnx_graph import count_operators

    if exported.batch != 1:
        raise UsageError("files that suppress overlaps take one picture a run; leave --batch out, or choose --batch 1")
    chosen = rule or BoxRule()
    model = onnx.load(str(exported.path))
    _extend_(model, chosen)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the graph is not valid ONNX: {first_line(error)}") from error
    with atomic_files(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
        loaded = runtime_for(temporary.suffix).load(temporary)
    note = (
        f"answers 0 to {chosen.most} boxes of at least {chosen.least_score:g}, no two of a class overlapping by more "
        f"than {chosen.iou:g}; compared with the boxes that are found in its answers without"
    )
    return replace(
        exported,
        path=path,
        bytes=size_of(path),
        sha256=sha256_path(path),
        operators=count_operators(model),
        output=loaded.outputs[0],
        suppressed=True,
        notes=(*exported.notes, note),
    )


def check_suppressed(
    plain: Path, suppressed: Path, images: NDArray[np.uint8], *, preprocessing: Preprocessing, num_classes: int
) -> Parity:
    """Compare the boxes of a file that suppresses with those that are found in the answers of one that does not.

    Args:
        plain: The file without suppression.
        suppressed: The file with it.
        images: Pictures as `Preprocessing.crop` gives them.
        preprocessing: Scales them, unless the files do.
        num_classes: Without the background.

    Raises:
        ExportError: They find other boxes.
    """
    answers, rows = (
        run_pictures(runtime_for(path.suffix).load(path), images, preprocessing=preprocessing)
        for path in (plain, suppressed)
    )
    rule = BoxRule()
    pairs = [
        (find_boxes(mine, rule), find_boxes(theirs, rule))
        for mine, theirs in zip(answers, as_answers(rows, num_classes), strict=True)
    ]
    same = [ours.classes.tolist() == theirs.classes.tolist() for ours, theirs in pairs]
    difference = max((_difference(*pair) for pair, agree in zip(pairs, same, strict=True) if agree), default=0.0)
    passed = all(same) and difference < FLOAT_TOLERANCE
    if not passed:
        raise ExportError(
            f"{suppressed} finds the same classes in {sum(same)} of {len(same)} pictures, and boxes that differ by "
            f"{difference:.1e}; do not ship it"
        )
    return Parity(
        relative=difference,
        num_pictures=len(images),
        top1_agreement=float(np.mean(same)),
        tolerance=FLOAT_TOLERANCE,
        passed=passed,
        judged_by="boxes",
    )


def _difference(ours: FoundBoxes, theirs: FoundBoxes) -> float:
    """The largest, of corners as shares of the picture and of scores."""
    if not len(ours):
        return 0.0
    return float(max(np.abs(ours.boxes - theirs.boxes).max(), np.abs(ours.scores - theirs.scores).max()))


def _extend_(model: ModelProto, rule: BoxRule) -> None:
    """Put the operators behind the graph's only output."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    (old,) = graph.output
    num_answers = old.type.tensor_type.shape.dim[1].dim_value
    integers: dict[str, int] = {
        "corners_from": 0,
        "corners_to": _CORNERS,
        "scores_from": _CORNERS + 1,
        "end": _END,
        "first": 0,
        "second": 1,
        "third": 2,
        "looked_at": min(rule.per_class, num_answers),
        "least_looked_at": -1,
        "per_class": rule.per_class,
        "most": rule.most,
    }
    stored = {name: np.array([value], dtype=np.int64) for name, value in integers.items()}
    shares = {"zero": 0.0, "iou": rule.iou, "score": rule.least_score}
    floats = {name: np.array([value], dtype=np.float32) for name, value in shares.items()}
    graph.initializer.extend(numpy_helper.from_array(value, f"suppress.{name}") for name, value in stored.items())
    graph.initializer.extend(numpy_helper.from_array(value, f"suppress.{name}") for name, value in floats.items())
    graph.node.extend(_operators())
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(BOXES_NAME, TensorProto.FLOAT, ["num_boxes", BOX_VALUES]))


def _operators() -> list[NodeProto]:
    """The best of each class, suppression, then the best of all.

    Before the suppression each class keeps the scores that reach its last box that is looked at; the others are zero.
    """
    return [
        _node("Slice", [_ANSWERS, "corners_from", "corners_to", "third"], "corners"),
        _node("Slice", [_ANSWERS, "scores_from", "end", "third"], "scores_last"),
        _node("Transpose", ["scores_last"], "scores", perm=[0, 2, 1]),
        _node("TopK", ["scores", "looked_at"], "best", "best_places", axis=2),
        _node("Slice", ["best", "least_looked_at", "end", "third"], "least"),
        _node("GreaterOrEqual", ["scores", "least"], "is_looked_at"),
        _node("Where", ["is_looked_at", "scores", "zero"], "candidates"),
        _node("NonMaxSuppression", ["corners", "candidates", "per_class", "iou", "score"], "kept"),
        _node("Slice", ["kept", "second", "end", "second"], "class_and_place"),
        _node("Slice", ["class_and_place", "first", "second", "second"], "class"),
        _node("Slice", ["class_and_place", "second", "end", "second"], "place"),
        _node("Squeeze", ["scores", "first"], "scores_of_one"),
        _node("GatherND", ["scores_of_one", "class_and_place"], "score_of_each"),
        _node("Squeeze", ["corners", "first"], "corners_of_one"),
        _node("GatherND", ["corners_of_one", "place"], "corners_of_each"),
        _node("Unsqueeze", ["score_of_each", "second"], "score_column"),
        _node("Cast", ["class"], "class_column", to=1),
        _node("Concat", ["corners_of_each", "score_column", "class_column"], "rows", axis=1),
        _node("Shape", ["score_of_each"], "count"),
        _node("Min", ["count", "most"], "count_kept"),
        _node("TopK", ["score_of_each", "count_kept"], "sorted", "order", axis=0),
        _node("Gather", ["rows", "order"], BOXES_NAME, axis=0),
    ]


def _node(kind: str, inputs: Sequence[str], *outputs: str, **attributes: Any) -> NodeProto:
    """An operator; all names but those of the graph's old and new output get a prefix."""
    from onnx import helper

    read, made = ([name if name in _OUTER else f"suppress.{name}" for name in names] for names in (inputs, outputs))
    return helper.make_node(kind, read, made, name=f"suppress.{outputs[0]}/{kind}", **attributes)
