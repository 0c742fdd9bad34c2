"""Tables with a row or a column for each class; for very many classes they show what matters most."""

from __future__ import annotations

from collections.abc import Sequence

from edgesmith.report.bars import draw_bar, draw_gauge
from edgesmith.report.content import ClassScore, SplitCount
from edgesmith.report.markup import Html, element, join
from edgesmith.report.placed import PlaceScore, PlaceWords
from edgesmith.report.tables import cell, head_cell, row_head, tabulate, with_interval
from edgesmith.report.wording import format_share, plural

_MOST_COLUMNS = 20
_MOST_ROWS = 30
_NO_GAUGE = join([])


def tabulate_classes(scores: Sequence[ClassScore]) -> Html:
    """Recall with interval and precision of each class; of very many, the worst stand first and the rest fold away."""
    if len(scores) <= _MOST_ROWS:
        return _class_table("Accuracy of each class", scores)
    ordered = sorted(scores, key=lambda score: score.recall)
    rest = element(
        "details",
        {},
        element("summary", {}, f"The other {plural(len(ordered) - _MOST_ROWS, 'class', 'classes')}"),
        _class_table("The other classes", ordered[_MOST_ROWS:]),
    )
    note = element("p", {"class": "quiet"}, f"The {_MOST_ROWS} classes with the lowest recall:")
    return join([note, _class_table("Classes with the lowest recall", ordered[:_MOST_ROWS]), rest])


def tabulate_places(scores: Sequence[PlaceScore], words: PlaceWords) -> Html:
    """The figure of each class, with what it has of pixels or boxes."""
    head = [
        head_cell("Class"),
        head_cell(f"{words.value}, %", "number"),
        head_cell("", "gauge"),
        head_cell(words.count, "number"),
    ]
    rows = [
        element(
            "tr",
            {},
            row_head(score.name),
            cell("in no picture" if score.value is None else format_share(score.value), "number"),
            cell(_NO_GAUGE if score.value is None else draw_bar(score.value, kind="score"), "gauge"),
            cell(f"{score.count:,}", "number"),
        )
        for score in scores
    ]
    return tabulate(f"{words.value} of each class", head, rows, kind="classes")


def tabulate_confusion(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> Html:
    """Pictures by true and predicted class; for many classes only the pairs confused most."""
    if len(classes) > _MOST_COLUMNS:
        return _confused_pairs(classes, confusion)
    corner = head_cell("true class")
    head = [corner, *(head_cell(name, "number") for name in classes), head_cell("pictures", "number sum")]
    rows = [
        element(
            "tr",
            {},
            row_head(name),
            *(_heat(count, sum(counts), right=column == index) for column, count in enumerate(counts)),
            cell(f"{sum(counts):,}", "number sum"),
        )
        for index, (name, counts) in enumerate(zip(classes, confusion, strict=True))
    ]
    return tabulate("Pictures by true class (rows) and predicted class (columns)", head, rows, kind="confusion")


def tabulate_splits(classes: Sequence[str], splits: Sequence[SplitCount]) -> Html:
    """Pictures of each class in each split; for many classes, the sums and the smallest class."""
    if len(classes) > _MOST_ROWS:
        head = [
            head_cell("Split"),
            head_cell("Pictures", "number"),
            head_cell("Smallest class"),
            head_cell("It has", "number"),
        ]
        rows = [_split_summary(classes, split) for split in splits]
        return tabulate("Pictures of each split", head, rows, kind="splits")
    head = [head_cell("Class"), *(head_cell(split.split, "number") for split in splits)]
    rows = [
        element("tr", {}, row_head(name), *(cell(f"{split.counts[index]:,}", "number") for split in splits))
        for index, name in enumerate(classes)
    ]
    sums = [cell(f"{sum(split.counts):,}", "number") for split in splits]
    foot = [element("tr", {}, row_head("Together"), *sums)]
    return tabulate("Pictures of each class in each split", head, rows, kind="splits", foot=foot)


def _class_table(caption: str, scores: Sequence[ClassScore]) -> Html:
    head = [
        head_cell("Class"),
        head_cell("Recall, %", "number"),
        head_cell("", "gauge"),
        head_cell("Precision, %", "number"),
        head_cell("Pictures", "number"),
    ]
    return tabulate(caption, head, [_class_row(score) for score in scores], kind="classes")


def _class_row(score: ClassScore) -> Html:
    interval = f"{format_share(score.recall_low)} to {format_share(score.recall_high)}"
    gauge = draw_gauge(score.recall, low=score.recall_low, high=score.recall_high, limit=None, most=1)
    precision = "never predicted" if score.precision is None else format_share(score.precision)
    return element(
        "tr",
        {},
        row_head(score.name),
        cell(with_interval(format_share(score.recall), interval), "number"),
        cell(gauge, "gauge"),
        cell(precision, "number"),
        cell(f"{score.num_images:,}", "number"),
    )


def _heat(count: int, total: int, *, right: bool) -> Html:
    share = count / total if total else 0.0
    kind = f"heat {'right' if right else 'wrong'}{'' if count else ' none'}"
    return element("td", {"class": kind, "style": f"--share:{share:.3f}"}, f"{count:,}")


def _confused_pairs(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> Html:
    pairs = [
        (count, truth, guess)
        for truth, counts in enumerate(confusion)
        for guess, count in enumerate(counts)
        if truth != guess and count
    ]
    head = [
        head_cell("True class"),
        head_cell("Predicted as"),
        head_cell("Pictures", "number"),
        head_cell("Share, %", "number"),
    ]
    rows = [
        element(
            "tr",
            {},
            row_head(classes[truth]),
            cell(classes[guess]),
            cell(f"{count:,}", "number"),
            cell(format_share(count / sum(confusion[truth])), "number"),
        )
        for count, truth, guess in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))[:_MOST_ROWS]
    ]
    return tabulate("Classes that were confused most", head, rows, kind="pairs")


def _split_summary(classes: Sequence[str], split: SplitCount) -> Html:
    smallest = min(range(len(classes)), key=lambda index: split.counts[index])
    return element(
        "tr",
        {},
        row_head(split.split),
        cell(f"{sum(split.counts):,}", "number"),
        cell(classes[smallest]),
        cell(f"{split.counts[smallest]:,}", "number"),
    )
