"""A network as a set of pictures needs it: with a head of its task, an answer for its classes, a size that suits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.edits.segmentation import with_lr_aspp
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError, UsageError
from edgesmith.data.dataset import Dataset
from edgesmith.recipes.material import Material
from edgesmith.recipes.models import CLASSIFICATION
from edgesmith.search.candidates import shapes_for

# What a network of another task gets; classifiers come from the zoo as they are.
_HEADS: Final[Mapping[str, Callable[[NetSpec], NetSpec]]] = MappingProxyType({"segmentation": with_lr_aspp})


def net_for(spec: NetSpec, dataset: Dataset) -> NetSpec:
    """The network with a head of the set's task, answering for its classes.

    A head of that task is kept; a backbone of another gets the paper's.

    Raises:
        UsageError: The network cannot have such a head; says why.
    """
    if spec.head.task != dataset.task:
        if dataset.task not in _HEADS:
            raise UsageError(
                f"{spec.name} is a network for {spec.head.task}, and {dataset.source.location} is for {dataset.task}; "
                "take a classifier of the zoo: edgesmith models"
            )
        try:
            spec = _HEADS[dataset.task](spec)
        except SpecError as error:
            raise UsageError(f"{spec.name} cannot be a network for {dataset.task}: {error}") from None
    return spec.with_num_classes(len(dataset.classes))


def sized_for(spec: NetSpec, material: Material) -> NetSpec:
    """A network for places at the pictures' own shape; others at the size that they were published with."""
    if spec.head.task == CLASSIFICATION:
        return spec
    return spec.with_resolution(*shapes_for(material.typical_shape)[0])
