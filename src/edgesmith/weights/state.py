"""Put a state dict into a built net: by name where the keys are ours, else by position and shape.

MobileNetV3's ports name their layers differently but hold the same tensors in the same forward order; a linear layer
and a 1x1 convolution of the same size hold the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from edgesmith.core.errors import WeightsError
from edgesmith.core.table import closest

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What was put where.

    Attributes:
        rule: ``name``, or ``position`` where the keys were another library's.
        sources: For each key of the net, the key of the state that filled it.
        dropped: Keys of the state that the net has no place for.
    """

    rule: str
    sources: Mapping[str, str]
    dropped: tuple[str, ...] = ()


def load_state(net: nn.Module, state: Mapping[str, Tensor]) -> LoadReport:
    """Fill every tensor of ``net`` in place, or change nothing.

    Args:
        net: A built network.
        state: Tensors by name, without wrappers; see `unwrap`.

    Raises:
        WeightsError: The state is of another network; names the first misfit and its nearest match.
    """
    own = net.state_dict()
    report = _by_name(own, state) if set(own) <= set(state) else _by_position(own, state)
    values = {key: state[source].reshape(own[key].shape) for key, source in report.sources.items()}
    for key in own.keys() - values.keys():  # counters that the other library does not keep
        values[key] = own[key]
    net.load_state_dict(values)
    return report


def _by_name(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> LoadReport:
    for key, tensor in own.items():
        _require_same_size(key, tensor, key, state[key])
    extra = tuple(key for key in state if key not in own)
    if extra:
        raise WeightsError(f"the weights have {len(extra)} tensors that the net has not, the first is {extra[0]!r}")
    return LoadReport(rule="name", sources={key: key for key in own})


def _by_position(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> LoadReport:
    """Counters of batches are left out of the pairing, because not every library keeps them."""
    mine = [key for key in own if not key.endswith(_COUNTER)]
    theirs = [key for key in state if not key.endswith(_COUNTER)]
    for key, source in zip(mine, theirs, strict=False):
        _require_same_size(key, own[key], source, state[source])
    if len(mine) != len(theirs):
        missing, spare = mine[len(theirs) :], theirs[len(mine) :]
        odd, whose = (missing[0], "the net needs") if missing else (spare[0], "the net has no place for")
        near = closest(odd, theirs if missing else mine)
        hint = f"; nearest: {near!r}" if near else ""
        raise WeightsError(f"{len(theirs)} tensors for a net of {len(mine)}: {whose} {odd!r}{hint}")
    return LoadReport(rule="position", sources=dict(zip(mine, theirs, strict=True)))


def _require_same_size(key: str, own: Tensor, source: str, other: Tensor) -> None:
    mine, theirs = _squeezed(own), _squeezed(other)
    if mine == theirs:
        return
    head = " (another number of classes?)" if key.startswith("head.") and mine[1:] == theirs[1:] else ""
    raise WeightsError(
        f"{source!r} has shape {tuple(other.shape)}, but {key!r} needs {tuple(own.shape)}{head}; "
        f"the weights are of another network"
    )


def _squeezed(tensor: Tensor) -> tuple[int, ...]:
    """The shape of a 1x1 kernel without its sides."""
    shape = tuple(tensor.shape)
    return shape[:2] if len(shape) == 4 and shape[2:] == (1, 1) else shape
