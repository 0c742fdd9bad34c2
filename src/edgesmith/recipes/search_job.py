"""What a search asks of machines that help it, in plain values that travel in its study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

import edgesmith
from edgesmith.arch.space.staged import StagedSpace
from edgesmith.arch.space.written import WrittenSpace
from edgesmith.core.config import from_dict, to_dict
from edgesmith.core.errors import RunError, UsageError
from edgesmith.data.dataset import Dataset
from edgesmith.recipes.int8_candidates import Int8
from edgesmith.recipes.judging import make_judge
from edgesmith.recipes.proxy import Proxy, start_for
from edgesmith.recipes.search_wishes import SearchWishes
from edgesmith.recipes.start import Starts
from edgesmith.search.cost_model import CostModel
from edgesmith.search.labels import fingerprint
from edgesmith.search.limits import Limits
from edgesmith.search.settle import Judge


@dataclass(frozen=True, kw_only=True)
class SearchJob:
    """How candidates are tried, and what would tell that a machine tries something else.

    Attributes:
        version: Of edgesmith.
        pictures_hash: Of the set's classes, names and labels.
        space: Whose points are tried.
        space_hash: Of its choices.
        weights: As ``--weights`` of the search.
        weights_hash: Of what candidates begin with; None for from scratch.
        recipe: Name of the training recipe.
        settings: Its settings.
        pictures: That each candidate is trained on.
        scale: Of the candidate's resolution.
        seed: Decides the held-out part, weights, order and augmentation.
        int8: How candidates become int8 files; None for float files.
        latency: Estimates milliseconds.
        subset: Share of the pictures to train on that candidates draw from.
        reward: As ``--reward``.
        objectives: As ``--objective``.
        limits: What no network returned may exceed.
    """

    version: str
    pictures_hash: str
    space: WrittenSpace
    space_hash: str
    weights: str
    weights_hash: str | None
    recipe: str
    settings: tuple[str, ...]
    pictures: int
    scale: float
    seed: int
    int8: Int8 | None
    latency: CostModel
    subset: float
    reward: str
    objectives: tuple[str, ...]
    limits: Limits

    @classmethod
    def of(cls, proxy: Proxy, dataset: Dataset, *, wishes: SearchWishes, limits: Limits) -> SearchJob:
        """The job of a search.

        Args:
            proxy: How it tries candidates here.
            dataset: On what.
            wishes: What is asked of the search.
            limits: What no network returned may exceed.
        """
        return cls(
            version=edgesmith.__version__,
            pictures_hash=hash_pictures(dataset),
            space=WrittenSpace.of(proxy.space),
            space_hash=fingerprint(proxy.space),
            weights=proxy.weights,
            weights_hash=hash_weights(proxy.space, proxy.weights),
            recipe=proxy.recipe,
            settings=proxy.settings,
            pictures=proxy.pictures,
            scale=proxy.scale,
            seed=proxy.seed,
            int8=proxy.int8,
            latency=proxy.latency,
            subset=proxy.subset,
            reward=wishes.reward,
            objectives=wishes.objectives,
            limits=limits,
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SearchJob:
        """Read what `to_json` wrote, by the same edgesmith.

        Raises:
            RunError: Another edgesmith wrote it.
        """
        if values.get("version") != edgesmith.__version__:
            raise RunError(
                f"the search is by edgesmith {values.get('version')}, this is {edgesmith.__version__}; "
                "install the same on both machines"
            )
        try:
            return from_dict(cls, values)
        except UsageError as error:
            raise RunError(
                f"the search was begun by another build of edgesmith {edgesmith.__version__}: {error}"
            ) from None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return to_dict(self)

    def proxy(self, data: str, dataset: Dataset, *, weights: str | None = None) -> Proxy:
        """How candidates are tried with this machine's copy of the pictures and the weights.

        Args:
            data: Where it is, as DATA of the command line.
            dataset: The same, opened.
            weights: Where the weights are; by default as in the search.

        Raises:
            RunError: Something here is not as in the search; says what.
        """
        weights = self.weights if weights is None else weights
        space = self.space.make()
        if fingerprint(space) != self.space_hash:
            raise RunError(f"the space {self.space.name} has other choices here; install the same edgesmith")
        if hash_pictures(dataset) != self.pictures_hash:
            raise RunError(f"the search has other pictures than {data}; give the same set, under whatever path")
        if hash_weights(space, weights) != self.weights_hash:
            wanted = "no weights" if self.weights_hash is None else f"weights {self.weights}"
            raise RunError(
                f"the search begins with {wanted}, --weights {weights} is something else here; name the same"
            )
        return Proxy(
            space=space,
            data=data,
            weights=weights,
            recipe=self.recipe,
            settings=self.settings,
            pictures=self.pictures,
            scale=self.scale,
            seed=self.seed,
            int8=self.int8,
            latency=self.latency,
            subset=self.subset,
        )

    def judge(self) -> Judge:
        """What the search's strategy sees of an evaluation."""
        return make_judge(SearchWishes(reward=self.reward, objectives=self.objectives), self.limits)


def settings_of(proxy: Proxy) -> dict[str, Any]:
    """What decides the result of a trial beside space, seed and pictures, for a study to hold its later drivers to."""
    estimate = json.dumps(to_dict(proxy.latency), sort_keys=True)
    return {
        "data": proxy.data,
        "weights": proxy.weights,
        "recipe": proxy.recipe,
        "settings": list(proxy.settings),
        "scale": proxy.scale,
        "subset": proxy.subset,
        "int8": None if proxy.int8 is None else to_dict(proxy.int8),
        "latency": hashlib.sha256(estimate.encode()).hexdigest()[:16],
    }


def hash_pictures(dataset: Dataset) -> str:
    """Sixteen hex digits that differ where classes, names or labels do, or the values of masks that are ignored."""
    rows = {split: [astuple(sample) for sample in samples] for split, samples in sorted(dataset.splits.items())}
    ignored = () if dataset.mask_code is None else sorted(dataset.mask_code.ignored)
    return hashlib.sha256(json.dumps([dataset.task, dataset.classes, ignored, rows]).encode()).hexdigest()[:16]


def hash_weights(space: StagedSpace, weights: str) -> str | None:
    """The same for what a space's networks begin with; None for from scratch."""
    origin = start_for(space, Starts(weights)).origin
    if origin is None:
        return None
    digest = hashlib.sha256()
    for name, tensor in sorted(origin.state.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
