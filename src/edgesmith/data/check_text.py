"""What `check` found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from edgesmith.core.config import to_dict
from edgesmith.data.check import CheckReport
from edgesmith.data.dataset import Dataset
from edgesmith.data.fix import LIST_NAME, Fixed
from edgesmith.data.label_figures import BoxFigures, PixelFigures

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
    found += [f"  {line}" for line in (*_box_lines(report.boxes), *_pixel_lines(report.pixels))]
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
        "boxes": None if report.boxes is None else to_dict(report.boxes),
        "pixels": None if report.pixels is None else to_dict(report.pixels),
        **mended,
    }


def _box_lines(boxes: BoxFigures | None) -> Sequence[str]:
    if boxes is None:
        return ()
    least, median, most = boxes.per_picture
    crowds = f", and {boxes.num_crowds} crowds" if boxes.num_crowds else ""
    found = [f"{boxes.num_boxes} boxes{crowds}; {least} to {most} a picture (median {median})"]
    percents = None if boxes.areas is None else tuple(100 * area for area in boxes.areas)
    found += _spread("box width", boxes.widths, " pixels")
    found += _spread("box height", boxes.heights, " pixels")
    found += _spread("box area", percents, " % of its picture")
    return (*found, *_spread("width over height", boxes.aspects, ""))


def _spread(name: str, values: Sequence[float] | None, unit: str) -> Sequence[str]:
    if values is None:
        return ()
    least, low, median, high, most = (f"{value:.3g}" for value in values)
    return (f"{name} {least} to {most}{unit} (median {median}, half of them {low} to {high})",)


def _pixel_lines(pixels: PixelFigures | None) -> Sequence[str]:
    if pixels is None:
        return ()
    names = list(pixels.classes)
    shown = ", ".join(f"{name} {pixels.classes[name]:.1%}" for name in names[:_MOST_CLASSES])
    more = f", and {len(names) - _MOST_CLASSES} more" if len(names) > _MOST_CLASSES else ""
    return (f"pixels: {shown}{more}; {pixels.ignored:.1%} of all count in nothing",)


def _kinds(fixed: Fixed) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for each in fixed.left_out:
        counts[each.kind] = counts.get(each.kind, 0) + 1
    return counts
