"""Sample code that a bundle carries: it runs a file without edgesmith, every step spelled out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.manifest import FileRecord

TEMPLATES: Final[Mapping[str, str]] = MappingProxyType({"onnx": "onnxruntime.py"})

MAIN_STEM: Final = "model"


def sample_name(format_name: str, stem: str) -> str | None:
    """Name of the sample code of a file; None for a format that has none.

    Args:
        format_name: Of the file.
        stem: The file's name without its suffix; ``model`` is the bundle's main file.
    """
    template = TEMPLATES.get(format_name)
    if template is None:
        return None
    return f"sample_{template}" if stem == MAIN_STEM else f"sample_{stem}_{template}"


def render_sample(record: FileRecord, preprocessing: Preprocessing) -> str:
    """The program for one file: the template with this bundle's numbers in place of its own."""
    text = (resources.files("edgesmith.deploy") / "samples" / TEMPLATES[record.format]).read_text(encoding="utf-8")
    for name, value in _constants(record, preprocessing).items():
        text, found = re.subn(rf"^{name} = .*$", f"{name} = {value!r}", text, flags=re.MULTILINE)
        assert found == 1, f"{TEMPLATES[record.format]} sets {name} {found} times"
    return text


def _constants(record: FileRecord, preprocessing: Preprocessing) -> dict[str, Any]:
    return {
        "MODEL": record.path,
        "HEIGHT": preprocessing.height,
        "WIDTH": preprocessing.width,
        "RESIZE_SHORT": preprocessing.resize_short,
        "INTERPOLATION": preprocessing.interpolation.upper(),
        "APPLY_ORIENTATION": preprocessing.apply_orientation,
        "SCALE": preprocessing.scale,
        "MEAN": preprocessing.mean,
        "STD": preprocessing.std,
        "PREPROCESSING_INSIDE": record.preprocessing_inside,
        "BATCH": record.batch or 1,
    }
