"""Who teaches: a bundle, weights of the zoo's families, or any classifier of timm or torchvision; no detectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from torch import nn

from edgesmith.core.errors import UsageError, WeightsError
from edgesmith.core.extras import require
from edgesmith.core.table import unknown
from edgesmith.data.dataset import Dataset
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.engine.teacher import Teacher
from edgesmith.nn.build import build
from edgesmith.recipes.models import CLASSIFICATION
from edgesmith.recipes.start import open_start
from edgesmith.tasks.detection import NO_TEACHER
from edgesmith.weights.sources.download import fetch
from edgesmith.weights.sources.known import KNOWN

_DETECTION: Final = "detection"


class Taught(NamedTuple):
    """A teacher, and what it is called.

    Attributes:
        teacher: Answers in the student's terms.
        source: Where it comes from, for people and for the run folder.
    """

    teacher: Teacher
    source: str


def check_teacher(text: str, dataset: Dataset, student: Preprocessing) -> None:
    """Refuse a teacher that could not teach, before any work.

    Raises:
        UsageError: The task has none, it names nothing that we know, is for another task, or does not know all the
            classes.
        WeightsError: What it names cannot be used.
    """
    open_teacher(text, dataset.classes, student, task=dataset.task)


def expert_for(text: str | None, classes: Sequence[str], student: Preprocessing) -> Teacher | None:
    """As `open_teacher`; none where none is named."""
    return None if text is None else open_teacher(text, classes, student).teacher


class _Found(NamedTuple):
    task: str
    net: nn.Module
    rule: Preprocessing
    classes: Sequence[str]
    source: str


def open_teacher(text: str, classes: Sequence[str], student: Preprocessing, *, task: str | None = None) -> Taught:
    """What ``--teacher`` names.

    Args:
        text: A bundle, a run folder, a file of weights, ``torchvision:NAME`` or ``timm:NAME``.
        classes: The student's, in the order of its logits.
        student: The student's rule.
        task: The student's, where it is not known yet to be the teacher's.

    Raises:
        UsageError: It names nothing that we know; the teacher is for another task or does not know all the classes; or
            the student is a detector.
        WeightsError: What it names cannot be used.
    """
    if task == _DETECTION:
        raise UsageError(NO_TEACHER)
    library, _, name = text.partition(":")
    is_zoo = library not in _LIBRARIES or name.partition("/")[0].partition(".")[0] in KNOWN[library]
    found = _of_zoo(text) if is_zoo else _LIBRARIES[library](name)
    if task not in (None, found.task):
        raise UsageError(
            f"the teacher {text} is for {found.task}, and these pictures are for {task}; train a larger network on "
            "this set first (edgesmith train) and name its bundle"
        )
    places = {each: place for place, each in enumerate(found.classes)}
    missing = [each for each in classes if each not in places]
    if missing:
        raise UsageError(
            f"the teacher {text} does not know {len(missing)} of the {len(classes)} classes, such as {missing[0]!r}; "
            "train a larger network on this set first (edgesmith train) and name its bundle"
        )
    columns = [places[each] for each in classes]
    return Taught(Teacher(found.net, rule=found.rule, student=student, columns=columns), found.source)


def _of_zoo(text: str) -> _Found:
    origin = open_start(text, None).origin
    if origin is None:
        raise UsageError(f"a teacher has weights, got --teacher {text}; name a bundle, torchvision:NAME or timm:NAME")
    net = build(origin.spec)
    net.load_state_dict(origin.state)
    return _Found(origin.spec.head.task, net, origin.preprocessing, origin.classes, origin.source)


def _of_torchvision(text: str) -> _Found:
    """Any of its classifiers, with its default weights or the entry behind a slash."""
    import torchvision

    name, _, wanted = text.partition("/")
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise unknown(name, torchvision.models.list_models(module=torchvision.models), what="torchvision model")
    entries: Any = torchvision.models.get_model_weights(name)
    entry = entries[wanted] if wanted else entries.DEFAULT
    net = fetch(lambda: torchvision.models.get_model(name, weights=entry), f"torchvision:{name}")
    rule = entry.transforms()
    side, short = rule.crop_size[0], rule.resize_size[0]
    preprocessing = Preprocessing(
        height=side, width=side, resize_short=max(side, short), mean=tuple(rule.mean), std=tuple(rule.std)
    )
    return _Found(CLASSIFICATION, net, preprocessing, tuple(entry.meta["categories"]), f"torchvision:{text}")


def _of_timm(text: str) -> _Found:
    """Any of its classifiers of pictures in colour."""
    require("timm", extra="weights")
    import timm
    from timm.data.config import resolve_data_config

    from edgesmith.weights.sources.timm import imagenet_classes

    name = text.partition(".")[0]
    if name not in timm.list_models():
        raise unknown(name, timm.list_models(), what="timm model")
    net: Any = fetch(lambda: timm.create_model(text, pretrained=True), f"timm:{text}")
    config = resolve_data_config({}, model=net)  # type: ignore[no-untyped-call]  # as timm has it
    channels, height, width = config["input_size"]
    if channels != 3:
        raise WeightsError(f"timm:{text} reads {channels} channels; pictures have 3")
    side = max(height, width)
    preprocessing = Preprocessing(
        height=height,
        width=width,
        resize_short=max(side, int(side / config["crop_pct"])),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
    )
    return _Found(CLASSIFICATION, net, preprocessing, imagenet_classes(net.num_classes), f"timm:{text}")


_LIBRARIES = {"torchvision": _of_torchvision, "timm": _of_timm}
