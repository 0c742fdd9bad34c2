"""A set's labels as a model counts its classes."""

from __future__ import annotations

from edgesmith.core.errors import UsageError
from edgesmith.core.table import unknown
from edgesmith.data.dataset import Dataset
from edgesmith.data.samples import Sample


def relabel(dataset: Dataset, split: str, classes: tuple[str, ...]) -> tuple[Sample, ...]:
    """The split's samples with labels by class name, as the model's classes count them.

    Raises:
        UsageError: The set has classes that the model does not know.
    """
    samples = dataset.samples(split)
    used = sorted({dataset.classes[sample.label] for sample in samples})
    foreign = [name for name in used if name not in classes]
    if foreign:
        raise (
            unknown(foreign[0], classes, what=f"class of {dataset.source.location} for this model")
            if len(classes) <= 50
            else UsageError(f"the model does not know {len(foreign)} classes of the set, the first is {foreign[0]!r}")
        )
    places = {name: place for place, name in enumerate(classes)}
    return tuple(Sample(name=s.name, label=places[dataset.classes[s.label]]) for s in samples)
