"""Weights in files that load without running anybody's code."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from edgesmith.core.errors import WeightsError
from edgesmith.weights.containers import unwrap


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name from ``.safetensors``, or from ``.pt`` and ``.pth`` as far as they hold plain data.

    Raises:
        WeightsError: The file is missing, damaged, of an unknown type, or would have to run code to load.
    """
    if not path.is_file():
        raise WeightsError(f"no such weights file: {path.absolute()}")
    if path.suffix == ".safetensors":
        try:
            return unwrap(load_file(path))
        except SafetensorError as error:
            raise WeightsError(f"{path} is not a whole safetensors file: {error}") from None
    if path.suffix not in (".pt", ".pth", ".bin"):
        raise WeightsError(f"{path}: weights are read from .safetensors, .pt, .pth or .bin")
    try:
        return unwrap(torch.load(path, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError:
        raise WeightsError(
            f"{path} holds objects that only its own program can load; save its state dict there as .safetensors"
        ) from None
    except (RuntimeError, EOFError, OSError) as error:
        raise WeightsError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
