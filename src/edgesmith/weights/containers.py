"""The wrappers that training scripts put around a state dict, taken off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor

from edgesmith.core.errors import WeightsError

_CONTAINERS: Final = ("ema", "model_ema", "state_dict_ema", "state_dict", "model_state_dict", "model", "net")
_PREFIXES: Final = ("module.", "_orig_mod.", "model.")


def unwrap(content: Any) -> dict[str, Tensor]:
    """The tensors by name inside a checkpoint's content; averaged weights are preferred where there are some.

    Raises:
        WeightsError: There are no tensors in it.
    """
    for _ in range(len(_CONTAINERS)):
        inner = next(
            (key for key in _CONTAINERS if isinstance(content, Mapping) and _holds_tensors(content, key)), None
        )
        if inner is None:
            break
        content = content[inner]
    if not isinstance(content, Mapping):
        raise WeightsError(f"a checkpoint holds tensors by name, but this one holds a {type(content).__name__}")
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not state:
        raise WeightsError(f"there are no tensors in the checkpoint; its keys are {', '.join(map(str, content))}")
    return _without_prefixes(state)


def _holds_tensors(content: Mapping[Any, Any], key: str) -> bool:
    inner = content.get(key)
    return isinstance(inner, Mapping) and len(inner) > 0


def _without_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    stripped = True
    while stripped:
        stripped = False
        for prefix in _PREFIXES:
            if all(key.startswith(prefix) for key in state):
                state = {key.removeprefix(prefix): value for key, value in state.items()}
                stripped = True
    return state
