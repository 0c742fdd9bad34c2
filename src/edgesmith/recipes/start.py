"""Where a training begins: from scratch, from the owner's weights, or from the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch

from edgesmith.arch.edits.condense import learnable
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import UsageError, WeightsError
from edgesmith.core.progress import SILENT, Progress
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import is_bundle, load_module, open_bundle
from edgesmith.engine.config import TrainConfig
from edgesmith.nn.build import Net, build
from edgesmith.nn.unfold import folded_norms, unfold_norms_
from edgesmith.recipes.batches import batches_of
from edgesmith.recipes.material import Material
from edgesmith.recipes.models import CLASSIFICATION, Model, preprocessing_of
from edgesmith.recipes.run_folder import BUNDLE_NAME
from edgesmith.weights.channel_maps import FRESH
from edgesmith.weights.imported import Imported
from edgesmith.weights.sources.known import library_name
from edgesmith.weights.sources.table import LIBRARIES, read_source
from edgesmith.weights.transplant import Fill, transplant

AUTO: Final = "auto"
NONE: Final = "none"
SCRATCH: Final = "small"
TRAINED: Final = "finetune"
_NORM_PICTURES: Final = 256
_HEAD_PART: Final = 5
_LEAST_SIDE: Final = 32
_SIDE_STEP: Final = 32


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a net begins with.

    Attributes:
        origin: Trained weights with what belongs to them; None for from scratch.
    """

    origin: Imported | None = None

    def spec(self, spec: NetSpec) -> NetSpec:
        """The net as its weights want it: their padding and norm constants."""
        if self.origin is None:
            return spec
        return replace(spec, padding=self.origin.spec.padding, preset=self.origin.spec.preset)

    def rule(self, spec: NetSpec) -> Preprocessing:
        """From picture to input at the net's resolution, scaled as the weights were trained with."""
        if self.origin is None:
            return preprocessing_of(spec)
        theirs, (height, width) = self.origin.preprocessing, spec.resolution
        if spec.head.task != CLASSIFICATION:
            return replace(theirs, height=height, width=width, resize_short=0)
        if theirs.is_whole:
            theirs = replace(preprocessing_of(spec), mean=theirs.mean, std=theirs.std)
        share = theirs.resize_short / max(theirs.height, theirs.width)
        return replace(theirs, height=height, width=width, resize_short=round(max(height, width) * share))

    def net(self, spec: NetSpec, classes: Sequence[str], *, seed: int, blocks: Sequence[int] | None = None) -> Net:
        """A net in the form that is trained, with its first weights.

        Args:
            spec: What is wanted in the end.
            classes: Names in the order of its logits; where the origin knows them all, it keeps what it knows.
            seed: Of what begins anew.
            blocks: For every block the number of the origin's that fills it; by default the same.

        Raises:
            WeightsError: The origin is of another make.
        """
        if self.origin is None:
            return build(learnable(spec), seed=seed)
        known = _class_sources(self.origin, classes)
        chosen = (FRESH,) * len(classes) if known is None else known
        net = build(spec, seed=seed)
        moved = transplant(
            self.origin.state, self.origin.spec, spec, fill=Fill.FRESH, classes=chosen, blocks=blocks, seed=seed
        )
        net.load_state_dict(moved.state)
        return net

    def unfolded(self, material: Material) -> Start:
        """The same, with norms that know the set's pictures where the origin has folded its own away.

        It is done on the origin, which is whole. A net whose channels were cut answers nonsense, and norms that keep
        its answers would keep that: their outputs would be far from what the next layer has learned to read.

        Args:
            material: Some of its training pictures give the statistics.
        """
        if self.origin is None:
            return self
        net = build(self.origin.spec)
        net.load_state_dict(self.origin.state)
        if not folded_norms(net):
            return self
        side = max(_LEAST_SIDE, _SIDE_STEP * round(material.typical_side / _SIDE_STEP))
        _unfold_(net, material, self.rule(self.origin.spec.with_resolution(min(side, *self.origin.spec.resolution))))
        return Start(origin=replace(self.origin, state=net.state_dict()))

    def begin(
        self, spec: NetSpec, material: Material, *, seed: int, blocks: Sequence[int] | None = None
    ) -> tuple[Net, Preprocessing]:
        """What training on a set begins with: the net, ready for its first step, and the rule for its pictures.

        Norms that the origin has folded away are brought back from some pictures of train.
        """
        net, rule = self.net(spec, material.dataset.classes, seed=seed, blocks=blocks), self.rule(spec)
        if folded_norms(net):
            _unfold_(net, material, rule)
        return net, rule

    def recipe(
        self, config: TrainConfig, spec: NetSpec, settings: Sequence[str] = (), *, classes: Sequence[str]
    ) -> TrainConfig:
        """A recipe as it suits what a net begins with.

        Only a net that is the origin's, but for its resolution and classes, has a backbone that knows what it knew:
        a head with classes that are new learns alone first, for a fifth of the run at most. In others channels were cut
        or layers are new, and a head would learn what the backbone is about to unlearn: all of it learns from the first
        step, at one rate.

        Args:
            config: With its number of pictures.
            spec: The net.
            settings: The user's, which stay as they are.
            classes: Names in the order of its logits.
        """
        if self.origin is None:
            return config
        asked = {setting.partition("=")[0] for setting in settings}
        is_whole = spec.blocks == self.origin.spec.blocks
        if "frozen_pictures" not in asked:
            is_new = FRESH in (_class_sources(self.origin, classes) or (FRESH,))
            frozen = min(config.frozen_pictures, config.pictures // _HEAD_PART) if is_whole and is_new else 0
            config = replace(config, frozen_pictures=frozen)
        if "optim.backbone_rate" not in asked and not is_whole:
            config = replace(config, optim=replace(config.optim, backbone_rate=1.0))
        return config

    def describe(self, classes: Sequence[str]) -> str:
        """One line for people."""
        if self.origin is None:
            return "training starts from scratch"
        known = _class_sources(self.origin, classes)
        count = sum(place != FRESH for place in known or ())
        head = f"the head knows {count} of {len(classes)} classes" if count else "the head begins anew"
        return f"training starts from {self.origin.source} ({self.origin.name}); {head}"


# From scratch, and from trained weights.
_RECIPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        CLASSIFICATION: (SCRATCH, TRAINED),
        "segmentation": ("dense", "dense_finetune"),
        "detection": ("boxes", "boxes_finetune"),
    }
)


def default_recipe(start: Start, task: str = CLASSIFICATION) -> str:
    """The training recipe that suits a start and a task."""
    scratch, trained = _RECIPES[task]
    return scratch if start.origin is None else trained


class Starts:
    """A start for every candidate of a fit: one origin for all, or the owner's for each family.

    Args:
        text: As of `open_start`.
        material: The set that they are trained on; its pictures unfold folded norms.
        progress: Told what candidates begin with.
    """

    def __init__(self, text: str, *, material: Material | None = None, progress: Progress = SILENT) -> None:
        self._text, self._material, self._progress = text, material, progress
        self._known: dict[str, Start] = {}

    @property
    def origin(self) -> Imported | None:
        """The weights that were named, where they are one network's; candidates are then variants of it."""
        is_one = self._text not in (NONE, AUTO, *LIBRARIES)
        return self._open(self._text, None).origin if is_one else None

    def of(self, spec: NetSpec) -> Start:
        """What a candidate begins with."""
        if self.origin is not None:
            return self._open(self._text, None)
        return self._open(spec.name.partition("@")[0], spec)

    def _open(self, key: str, spec: NetSpec | None) -> Start:
        if key not in self._known:
            start = open_start(self._text, spec, progress=self._progress)
            self._known[key] = start if self._material is None else start.unfolded(self._material)
        return self._known[key]


def open_start(text: str, spec: NetSpec | None, *, model: Model | None = None, progress: Progress = SILENT) -> Start:
    """What ``--weights`` names.

    Args:
        text: ``none``, ``torchvision``, ``timm``, ``torchvision:NAME``, ``timm:NAME``, a bundle, a run folder or a
            file; ``auto`` takes the bundle's own weights, else the owner's if they can be reached, else none.
        spec: The net that is to be trained; only libraries and ``auto`` ask.
        model: Where the spec comes from; a bundle has weights of its own.
        progress: Told why the owner's weights were not taken.

    Raises:
        UsageError: It names nothing that we know.
        WeightsError: What it names cannot be used.
    """
    if text == NONE:
        return Start()
    if text == AUTO and spec is not None:
        return _automatic(spec, model, progress)
    path = Path(text).expanduser()
    if path.is_dir():
        return Start(origin=_of_bundle(path))
    if text in LIBRARIES and spec is not None:
        return Start(origin=read_source(f"{text}:{_owners_name(text, spec)}"))
    return Start(origin=read_source(text, spec=spec))


def _unfold_(net: Net, material: Material, rule: Preprocessing) -> None:
    samples = material.dataset.samples("train")
    crops = material.crops(samples[:: -(-len(samples) // _NORM_PICTURES)], rule)
    unfold_norms_(net, (torch.from_numpy(batch.images) for batch in batches_of(crops)))


def _automatic(spec: NetSpec, model: Model | None, progress: Progress) -> Start:
    if model is not None and model.bundle is not None:
        return Start(origin=_of_bundle(model.bundle.folder))
    try:
        return Start(origin=read_source(f"torchvision:{_owners_name('torchvision', spec)}"))
    except (WeightsError, UsageError) as error:
        progress.note(f"no weights to begin from: {error}")
        return Start()


def _owners_name(library: str, spec: NetSpec) -> str:
    """The library's name of the zoo net that the spec is a variant of."""
    found = library_name(library, spec.name)
    if found is None:
        name = spec.name.partition("@")[0]
        raise UsageError(f"no weights of {library} are known to be of {name}; name them: --weights {library}:NAME")
    return found


def _of_bundle(path: Path) -> Imported:
    bundle = open_bundle(path if is_bundle(path) else path / BUNDLE_NAME)
    manifest = bundle.manifest
    return Imported(
        name=manifest.name,
        spec=manifest.spec,
        state=load_module(bundle).state_dict(),
        preprocessing=manifest.preprocessing,
        classes=manifest.classes,
        source=str(path),
    )


def _class_sources(origin: Imported, classes: Sequence[str]) -> tuple[int, ...] | None:
    """The origin's number for every class, if it knows one at least; new ones are marked.

    Numbers that stand for unknown names are no names: a set of digits is not ImageNet's first ten classes.
    """
    numbers = tuple(str(number) for number in range(len(origin.classes)))
    if origin.classes == numbers != tuple(classes):
        return None
    places = {name: place for place, name in enumerate(origin.classes)}
    found = tuple(places.get(name, FRESH) for name in classes)
    return found if any(place != FRESH for place in found) else None
