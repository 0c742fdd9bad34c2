"""A network as a set of pictures needs it: with a head of its task, an answer for its classes, a size that suits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from edgesmith.arch.edits.detection import with_ssdlite
from edgesmith.arch.edits.segmentation import with_lr_aspp
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError, UsageError
from edgesmith.data.dataset import Dataset
from edgesmith.recipes.material import Material
from edgesmith.recipes.models import CLASSIFICATION
from edgesmith.recipes.net_forms import trainable
from edgesmith.search.candidates import box_shapes_for, shapes_for

# What a network of another task gets; classifiers come from the zoo as they are.
_HEADS: Final[Mapping[str, Callable[[NetSpec], NetSpec]]] = MappingProxyType(
    {"segmentation": with_lr_aspp, "detection": with_ssdlite}
)


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
    return trainable(spec).with_num_classes(len(dataset.classes))


def require_classification(task: str, what: str) -> None:
    """Refuse what is not there for other tasks.

    Raises:
        UsageError: The task is another.
    """
    if task != CLASSIFICATION:
        raise UsageError(f"{what} is for classification so far, and this is {task}; leave it out")


def sized_for(spec: NetSpec, material: Material) -> NetSpec:
    """A network for places at the pictures' own shape; others at the size that they were published with."""
    if spec.head.task == CLASSIFICATION:
        return spec
    shapes = shapes_of(material)
    return spec.with_resolution(*(shapes[0] if spec.head.task == "segmentation" else shapes[len(shapes) // 2]))


def shapes_of(material: Material) -> tuple[tuple[int, int], ...]:
    """Resolutions that suit a set with an answer for places, most pixels first."""
    make = shapes_for if material.dataset.task == "segmentation" else box_shapes_for
    return make(material.typical_shape)
