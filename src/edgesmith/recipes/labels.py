"""A set's labels as a model counts its classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edgesmith.core.errors import UsageError
from edgesmith.core.table import unknown
from edgesmith.data.dataset import Dataset
from edgesmith.data.samples import Sample
from edgesmith.deploy.manifest import Manifest

_SPELLING: Final = 0.95


def relabel(dataset: Dataset, split: str, classes: tuple[str, ...]) -> tuple[Sample, ...]:
    """The split's samples with labels as the model's classes count them.

    Classes are matched by name; by place where the set's classes are the model's, one by one, but for a few that are
    spelt otherwise, or where the model has numbers for names.

    Raises:
        UsageError: The set has classes that the model does not know.
    """
    samples = dataset.samples(split)
    if same_order(dataset.classes, classes):
        return samples
    if dataset.mask_code is not None:
        raise UsageError(
            f"masks of {dataset.source.location} count the classes {', '.join(dataset.classes)}, and the model "
            f"{', '.join(classes)}: they must be the same in the same order"
        )
    has_boxes = dataset.task == "detection"
    labels = {b.label for s in samples for b in s.boxes} if has_boxes else {s.label for s in samples}
    used = sorted(dataset.classes[label] for label in labels)
    foreign = [name for name in used if name not in classes]
    if foreign:
        raise (
            unknown(foreign[0], classes, what=f"class of {dataset.source.location} for this model")
            if len(classes) <= 50
            else UsageError(f"the model does not know {len(foreign)} classes of the set, the first is {foreign[0]!r}")
        )
    places = {name: place for place, name in enumerate(classes)}
    if has_boxes:
        return tuple(
            replace(s, boxes=tuple(replace(b, label=places[dataset.classes[b.label]]) for b in s.boxes))
            for s in samples
        )
    return tuple(replace(s, label=places[dataset.classes[s.label]]) for s in samples)


def require_task(manifest: Manifest, dataset: Dataset, data: str) -> None:
    """Refuse pictures that are labelled for another task than a model's.

    Args:
        manifest: Of the model.
        dataset: The pictures.
        data: What the user calls them.

    Raises:
        UsageError: They are.
    """
    if dataset.task != manifest.task:
        raise UsageError(f"{manifest.name} is for {manifest.task}, and the pictures of {data} are for {dataset.task}")


def same_order(theirs: tuple[str, ...], classes: tuple[str, ...]) -> bool:
    """Whether both lists name the same things: ImageNet's 1,000 are spelt in several ways."""
    if len(theirs) != len(classes):
        return False
    agreeing = sum(mine == its for mine, its in zip(classes, theirs, strict=True))
    return classes == tuple(str(n) for n in range(len(classes))) or agreeing >= _SPELLING * len(classes)
