"""Put a state dict into a built net: by name where the keys are ours, else by position, role and shape.

MobileNetV3's ports name their layers differently but hold the same tensors in the same forward order; a linear layer
and a 1x1 convolution of the same size hold the same numbers. A safetensors file sorts its keys by name, so where the
order as given does not fit, the natural order of the names is tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from torch import Tensor, nn

from edgesmith.core.errors import WeightsError
from edgesmith.core.table import closest
from edgesmith.weights.order import forward_order

State = Mapping[str, Tensor]

COUNTER: Final = "num_batches_tracked"  # left out of every pairing: not all libraries keep it
_ROLES: Final = frozenset({"weight", "bias", "running_mean", "running_var"})


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What was put where.

    Attributes:
        rule: ``name``, ``position``, or ``natural order`` where the file had sorted the keys of another library.
        sources: For each key of the net that was filled, the key of the state that filled it.
        kept: Keys of the net that stay as they were: those of a dropped head.
        dropped: Keys of the state that were not used.
    """

    rule: str
    sources: Mapping[str, str]
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def load_state(net: nn.Module, state: State, *, head: Literal["keep", "drop"] = "keep") -> LoadReport:
    """Fill ``net`` in place, or change nothing.

    Args:
        net: A built network.
        state: Tensors by name, without wrappers; see `unwrap`.
        head: ``drop`` leaves the net's last layer as it is, whatever the state holds for it: for other classes.

    Raises:
        WeightsError: The state is of another network, or of another number of classes while the head is kept; names
            the first misfit and its nearest match.
    """
    own = net.state_dict()
    mine = [key for key in own if not key.endswith(COUNTER)]
    kept = _last_layer(mine) if head == "drop" else ()
    mine = [key for key in mine if key not in kept]
    if set(mine) <= set(state):
        rule, pairs = "name", _by_name(own, state, mine, kept)
    else:
        rule, pairs = _by_position(own, state, mine, head=head)
    values = {key: state[source].reshape(own[key].shape) for key, source in pairs.items()}
    net.load_state_dict({**own, **values, **{key: state[key] for key in own if key in state and key.endswith(COUNTER)}})
    used = set(pairs.values())
    dropped = tuple(key for key in state if key not in used and not key.endswith(COUNTER))
    return LoadReport(rule=rule, sources=pairs, kept=kept, dropped=dropped)


def _by_name(own: State, state: State, mine: Sequence[str], kept: tuple[str, ...]) -> dict[str, str]:
    for key in mine:
        if tuple(own[key].shape) != tuple(state[key].shape):
            raise _misfit(own, key, state, key, mine)
    extra = [key for key in state if key not in own and key not in kept]
    if extra:
        raise WeightsError(f"the weights have {len(extra)} tensors that the net has not, the first is {extra[0]!r}")
    return {key: key for key in mine}


def _by_position(own: State, state: State, mine: Sequence[str], *, head: str) -> tuple[str, dict[str, str]]:
    """The order as given, then the natural order of the names; the error is about the order as given."""
    given = [key for key in state if not key.endswith(COUNTER)]
    first_error: WeightsError | None = None
    for rule, order in (("position", given), ("natural order", forward_order(given))):
        theirs = [key for key in order if key not in _last_layer(order)] if head == "drop" else order
        try:
            return rule, _pair(own, state, mine, theirs)
        except WeightsError as error:
            first_error = first_error or error
    raise first_error or WeightsError("the weights hold no tensors")


def _pair(own: State, state: State, mine: Sequence[str], theirs: Sequence[str]) -> dict[str, str]:
    for key, source in zip(mine, theirs, strict=False):
        if _squeezed(own[key]) != _squeezed(state[source]) or not _same_role(key, source):
            raise _misfit(own, key, state, source, theirs)
    if len(mine) != len(theirs):
        missing, spare = mine[len(theirs) :], theirs[len(mine) :]
        odd, whose = (missing[0], "the net needs") if missing else (spare[0], "the net has no place for")
        near = closest(odd, theirs if missing else mine)
        hint = f"; nearest: {near!r}" if near else ""
        raise WeightsError(f"{len(theirs)} tensors for a net of {len(mine)}: {whose} {odd!r}{hint}")
    return dict(zip(mine, theirs, strict=True))


def _misfit(own: State, key: str, state: State, source: str, choices: Sequence[str]) -> WeightsError:
    """The one-line error for a tensor that does not fit where it would go."""
    mine, theirs = _squeezed(own[key]), _squeezed(state[source])
    if mine[1:] == theirs[1:] and key in _last_layer([k for k in own if not k.endswith(COUNTER)]):
        return WeightsError(
            f"the weights are for {theirs[0]} classes ({source!r}), but the net has {mine[0]}; "
            f"drop their head to begin with a new one"
        )
    fitting = [name for name in choices if _squeezed(state[name]) == mine and _same_role(key, name)]
    near = closest(key, fitting) or (fitting[0] if fitting else None)
    hint = f"; nearest of that shape: {near!r}" if near else ""
    return WeightsError(
        f"{source!r} {tuple(state[source].shape)} does not fit where {key!r} {tuple(own[key].shape)} is needed{hint}; "
        f"the weights are of another network"
    )


def _same_role(key: str, source: str) -> bool:
    """A scale never takes the place of a shift, though both have one number a channel."""
    mine, theirs = key.rpartition(".")[2], source.rpartition(".")[2]
    return mine == theirs or theirs not in _ROLES


def _last_layer(keys: Sequence[str]) -> tuple[str, ...]:
    """The keys of the layer that comes last in forward order: the classifier."""
    prefix = keys[-1].rpartition(".")[0] if keys else ""
    return tuple(key for key in keys if key.rpartition(".")[0] == prefix)


def _squeezed(tensor: Tensor) -> tuple[int, ...]:
    """The shape of a 1x1 kernel without its sides."""
    shape = tuple(tensor.shape)
    return shape[:2] if len(shape) == 4 and shape[2:] == (1, 1) else shape
