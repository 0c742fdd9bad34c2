"""A bare state dict of a net of the zoo: ``.safetensors``, ``.pth`` and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.identify import identify
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import WeightsError
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.nn.build import build
from edgesmith.weights.files import read_weights
from edgesmith.weights.imported import Imported
from edgesmith.weights.order import forward_order
from edgesmith.weights.state import load_state


def read_state_file(path: Path, *, spec: NetSpec | None = None) -> Imported:
    """Weights of which the file does not say what network they are of.

    Args:
        path: Holds tensors by name, in forward order or sorted by name.
        spec: The network; None looks for the zoo net whose kernels are the file's.

    Raises:
        WeightsError: The file cannot be read safely, or fits no net.
    """
    state = read_weights(path)
    spec = find(_identify(state)) if spec is None else spec
    kernels = [key for key, value in state.items() if value.dim() > 1]
    last = (*kernels[-3:], *forward_order(kernels)[-3:])  # the classifier is among them, however the file is sorted
    answers = {len(state[key]) for key in last}
    errors: list[WeightsError] = []
    for num_classes in sorted({spec.num_classes, *answers}, key=lambda count: count != spec.num_classes):
        net = build(spec.with_num_classes(num_classes))
        try:
            report = load_state(net, state)
        except WeightsError as error:
            errors.append(error)
            continue
        return Imported(
            name=path.stem,
            spec=net.spec,
            state=net.state_dict(),
            preprocessing=Preprocessing.for_resolution(*spec.resolution),
            source=str(path.name),
            notes=(
                f"{len(report.sources)} tensors of {spec.name} matched by {report.rule}",
                "the file does not say how pictures are scaled: ImageNet's mean and deviation are taken",
            ),
        )
    raise errors[0]


def _identify(state: Mapping[str, Tensor]) -> str:
    """The net of the kernels as they stand, or in the natural order of their names."""
    kernels = [key for key, value in state.items() if value.dim() > 1]
    try:
        return identify(_shapes(state, kernels))
    except WeightsError as error:
        try:
            return identify(_shapes(state, forward_order(kernels)))
        except WeightsError:
            raise error from None


def _shapes(state: Mapping[str, Tensor], keys: Sequence[str]) -> list[tuple[int, ...]]:
    return [tuple(state[key].shape) for key in keys]
