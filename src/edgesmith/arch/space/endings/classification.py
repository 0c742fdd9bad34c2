"""The classifier behind a space's backbones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.names import Activation
from edgesmith.arch.space.choices import Choice
from edgesmith.arch.space.endings.base import Chosen, Edit, unedited
from edgesmith.arch.spec import NetSpec
from edgesmith.core.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class Classifying:
    """A classifier.

    Attributes:
        features: Choices of the feature layer's channels; 0 for none.
        activation: Of the feature layer.
    """

    features: tuple[int, ...] = (0,)
    activation: Activation = Activation.RELU

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The feature layer."""
        return (Choice(name="feature", options=self.features, ordered=True),)

    def finish(self, spec: NetSpec, chosen: Chosen) -> NetSpec:
        """The backbone with its classifier."""
        return replace(spec, head=self._head(chosen["feature"]))

    def edit(self, chosen: Chosen) -> Edit:
        """Blocks stay as they are."""
        del chosen
        return unedited

    def read(self, spec: NetSpec) -> Iterator[Chosen]:
        """The feature layer's width.

        Raises:
            SpecError: Its width is none of the options.
        """
        found = next((width for width in self.features if self._head(width) == spec.head), None)
        if found is None:
            raise SpecError(f"its feature is none of {', '.join(map(str, self.features))}")
        yield {"feature": found}

    def _head(self, channels: int) -> Classifier:
        return Classifier(feature_channels=channels, activation=self.activation if channels else Activation.NONE)
