"""The wrappers that training scripts put around a state dict, taken off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor

from edgesmith.core.errors import WeightsError

_CONTAINERS: Final = (
    "ema",
    "model_ema",
    "state_dict_ema",
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "net",
    "weights",
)
_PREFIXES: Final = ("module.", "_orig_mod.", "model.")
_COUNTER: Final = "n_averaged"  # torch's AveragedModel keeps it beside the prefixed keys


def unwrap(content: Any) -> dict[str, Tensor]:
    """The tensors by name inside a checkpoint's content; averaged weights are preferred where there are some.

    Raises:
        WeightsError: There are no tensors in it.
    """
    while (inner := _container(content)) is not None:
        content = content[inner]
    if not isinstance(content, Mapping):
        raise WeightsError(f"a checkpoint holds tensors by name, but this one holds a {type(content).__name__}")
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor) and key != _COUNTER}
    if not state:
        keys = ", ".join(map(str, content)) or "none"
        raise WeightsError(f"there are no tensors in the checkpoint; its keys are: {keys}")
    return _without_prefixes(state)


def _container(content: Any) -> str | None:
    """The key under which the tensors are, if they are not here."""
    if not isinstance(content, Mapping):
        return None
    return next((key for key in _CONTAINERS if _holds_tensors(content.get(key))), None)


def _holds_tensors(content: Any) -> bool:
    if not isinstance(content, Mapping):
        return False
    return any(isinstance(value, Tensor) for value in content.values()) or _container(content) is not None


def _without_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    prefix = next((prefix for prefix in _PREFIXES if all(key.startswith(prefix) for key in state)), None)
    if prefix is None:
        return state
    return _without_prefixes({key.removeprefix(prefix): value for key, value in state.items()})
