"""What the user means by MODEL: a zoo name, a spec's JSON file, a bundle, a run folder, or a model file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find, parse_resolution
from edgesmith.core.errors import UsageError
from edgesmith.core.files import read_json
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import Bundle, is_bundle, open_bundle
from edgesmith.recipes.run_folder import BUNDLE_NAME
from edgesmith.runtimes.table import RUNTIMES

CLASSIFICATION = "classification"


def preprocessing_of(spec: NetSpec) -> Preprocessing:
    """The rule that edgesmith's own trainings use at a spec's resolution; answers for places need whole pictures."""
    rule = Preprocessing.for_resolution(*spec.resolution)
    return rule if spec.head.task == CLASSIFICATION else rule.for_whole()


@dataclass(frozen=True, kw_only=True)
class Model:
    """A resolved MODEL.

    Attributes:
        name: What results call it.
        spec: The network; None for a bare model file.
        bundle: The bundle, where it is one.
        file: The model file, where it is a bare one.
        home: The bundle that a bare model file is part of.
    """

    name: str
    spec: NetSpec | None = None
    bundle: Bundle | None = None
    file: Path | None = None
    home: Bundle | None = None

    def require_spec(self) -> NetSpec:
        """The network's description; a bare file has none.

        Raises:
            UsageError: It is a bare file.
        """
        if self.spec is None:
            raise UsageError(f"{self.name} is a model file; this needs a zoo name, a spec, a bundle or a run folder")
        return self.spec

    @property
    def is_sized(self) -> bool:
        """Whether somebody has chosen the input size: it stands in the name, or in files."""
        return self.bundle is not None or self.spec is None or "resolution=" in self.name

    def spec_at(self, resolution: str | None) -> NetSpec:
        """The network to train, at another input size if one is given as ``160`` or ``128x192``."""
        spec = self.require_spec()
        return spec if resolution is None else spec.with_resolution(*parse_resolution(resolution))

    def require_bundle(self) -> Bundle:
        """The bundle; zoo names and bare files have none.

        Raises:
            UsageError: There is none.
        """
        if self.bundle is None:
            raise UsageError(f"{self.name} is not a bundle; edgesmith fit and edgesmith train write one")
        return self.bundle

    def require_home(self) -> Bundle:
        """The bundle, or the one that a bare model file is part of: it says how pictures are prepared for the file.

        Raises:
            UsageError: No bundle knows the file.
        """
        if self.home is not None:
            return self.home
        if self.file is not None:
            raise UsageError(f"{self.name} lies in no bundle that knows it, so nobody knows what pictures it takes")
        return self.require_bundle()


def resolve(text: str, *, resolution: str | None = None) -> Model:
    """Find out what ``text`` names.

    Args:
        text: As the user typed it.
        resolution: ``160`` or ``128x192``: another input size for a zoo name or spec.

    Raises:
        UsageError: There is no such file and no such zoo name; names the closest.
        RunError: It is a folder without a bundle.
    """
    path = Path(text).expanduser()
    model = _from_path(text, path) if path.exists() else _from_name(text)
    if resolution is None:
        return model
    if model.bundle is not None or model.spec is None:
        raise UsageError(f"the resolution of {text} is fixed in its files; --resolution is for zoo names and specs")
    spec = model.spec.with_resolution(*parse_resolution(resolution))
    return Model(name=model.name, spec=spec)


def _from_name(text: str) -> Model:
    suffixes = (".json", *(runtime.suffix for runtime in RUNTIMES.values()))
    if "/" in text or "\\" in text or text.endswith(suffixes):
        raise UsageError(f"no such model: {Path(text).expanduser().absolute()} does not exist")
    try:
        return Model(name=text, spec=find(text))
    except UsageError as error:
        if "@" in text:
            raise
        raise UsageError(f"{error}; nor is there a file or folder of this name here") from None


def _from_path(text: str, path: Path) -> Model:
    if path.is_dir():
        folder = path if is_bundle(path) else path / BUNDLE_NAME
        bundle = open_bundle(folder)
        return Model(name=bundle.manifest.name, spec=bundle.manifest.spec, bundle=bundle)
    if path.suffix == ".json":
        return Model(name=path.stem, spec=NetSpec.from_json(read_json(path)))
    home = open_bundle(path.parent) if is_bundle(path.parent) else None
    is_known = home is not None and path.name in [record.path for record in home.manifest.files]
    return Model(name=text, file=path, home=home if is_known else None)
