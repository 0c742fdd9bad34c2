"""A network as a set of pictures needs it: with a head of its task, an answer for its classes, a size that suits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from edgesmith.arch.edits.detection import with_decoding, with_ssdlite
from edgesmith.arch.edits.segmentation import with_lr_aspp
from edgesmith.arch.heads.ssdlite import SsdLite
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError, UsageError
from edgesmith.data.dataset import Dataset
from edgesmith.nn.build import Net, build
from edgesmith.recipes.material import Material
from edgesmith.recipes.models import CLASSIFICATION
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


def trainable(spec: NetSpec) -> NetSpec:
    """The network as it is trained: a bundle's detector answers with corners, which cannot be learned from."""
    return replace(spec, head=replace(spec.head, decoded=False)) if isinstance(spec.head, SsdLite) else spec


def require_classification(task: str, what: str) -> None:
    """Refuse what is not there for other tasks.

    Raises:
        UsageError: The task is another.
    """
    if task != CLASSIFICATION:
        raise UsageError(
            f"{what} is for classification so far, and this is {task}; train, fit, export and measure work"
        )


def deployed(spec: NetSpec) -> NetSpec:
    """The network as files hold it: a detector answers with corners and scores."""
    return with_decoding(spec) if isinstance(spec.head, SsdLite) else spec


def as_deployed(net: Net) -> Net:
    """A trained net in the form that files hold, with its weights."""
    return _in_form(net, deployed(net.spec))


def as_trainable(net: Net) -> Net:
    """A file's net in the form that is trained, with its weights."""
    return _in_form(net, trainable(net.spec))


def _in_form(net: Net, spec: NetSpec) -> Net:
    if spec == net.spec:
        return net
    made = build(spec)
    made.load_state_dict(net.state_dict())
    return made.eval()


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
