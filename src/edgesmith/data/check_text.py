"""What `check` found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from edgesmith.core.config import to_dict
from edgesmith.data.check import CheckReport
from edgesmith.data.dataset import Dataset
from edgesmith.data.fix import LIST_NAME, Fixed

_MOST_CLASSES: Final = 20


def lines(dataset: Dataset, report: CheckReport, fixed: Fixed | None) -> Sequence[str]:
    """For a terminal: notes, problems, counts, the verdict, and what was mended."""
    found = [*dataset.notes]
    found += [f"{each.severity:8} {each.kind:14} {each.file}: {each.detail}" for each in report.problems]
    found.append(f"{report.num_images} pictures in {len(report.classes)} classes")
    names = list(report.classes)
    for split, counts in report.splits.items():
        shown = ", ".join(f"{name} {counts[name]}" for name in names[:_MOST_CLASSES])
        more = f", and {len(names) - _MOST_CLASSES} more" if len(names) > _MOST_CLASSES else ""
        # Where pictures have boxes or masks, one shows several classes, and the sum would count it for each.
        several = dataset.task != "classification"
        count = f"{len(dataset.samples(split))} listed, showing" if several else f"{sum(counts.values())}:"
        found.append(f"  {split:5} {count} {shown}{more}")
    if report.sizes is not None:
        (w0, w1, w2), (h0, h1, h2) = report.sizes.widths, report.sizes.heights
        found.append(f"  width {w0} to {w2} pixels (median {w1}), height {h0} to {h2} (median {h1})")
    found.append("good to train on" if report.ok else "not good to train on: mend the errors above")
    if fixed is not None:
        found.append(f"{fixed.path}: {fixed.num_kept} pictures; {len(fixed.left_out)} left out, see {LIST_NAME}")
        found += [f"  {count} {kind}" for kind, count in _kinds(fixed).items()]
    elif not report.ok:
        found.append("--fix DIR writes a copy without what is wrong")
    return found


def as_json(report: CheckReport, fixed: Fixed | None) -> dict[str, Any]:
    """What ``edgesmith check --json`` prints."""
    mended: dict[str, Any] = {}
    if fixed is not None:
        left_out = [{"file": each.file, "kind": each.kind, "reason": each.detail} for each in fixed.left_out]
        mended = {"fixed": {"path": str(fixed.path), "num_images": fixed.num_kept, "left_out": left_out}}
    return {
        "ok": report.ok,
        "problems": [to_dict(problem) for problem in report.problems],
        "classes": dict(report.classes),
        "num_images": report.num_images,
        "splits": {split: dict(counts) for split, counts in report.splits.items()},
        "sizes": None if report.sizes is None else to_dict(report.sizes),
        **mended,
    }


def _kinds(fixed: Fixed) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for each in fixed.left_out:
        counts[each.kind] = counts.get(each.kind, 0) + 1
    return counts
