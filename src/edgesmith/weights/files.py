"""Weights in files that load without running anybody's code."""

from __future__ import annotations

import pickle
import re
import warnings
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from edgesmith.core.errors import WeightsError, first_line
from edgesmith.weights.containers import unwrap

PICKLES: Final = (".pt", ".pth", ".bin", ".ckpt", ".tar")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name from ``.safetensors``, or from a pickle (``.pt``, ``.pth``) as far as it holds plain data.

    Raises:
        WeightsError: The file is missing, damaged, of an unknown type, or would have to run code to load.
    """
    if not path.is_file():
        what = "a folder, not a weights file" if path.is_dir() else "no such weights file"
        raise WeightsError(f"{what}: {path.absolute()}")
    if path.suffix == ".safetensors":
        return unwrap(_read_safetensors(path))
    if path.suffix not in PICKLES:
        raise WeightsError(f"{path}: weights are read from .safetensors, {', '.join(PICKLES)}")
    return unwrap(_read_pickle(path))


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file: {first_line(error)}") from None


def _read_pickle(path: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # torch remarks on TorchScript archives, then refuses them
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"holds objects of a program ({found[1]})" if found else "is damaged, or holds objects of a program"
        raise WeightsError(
            f"{path} {what}, and loading it could run code; load it where it was made and save its state dict "
            "as .safetensors"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{path} cannot be read: {first_line(error)}") from None
