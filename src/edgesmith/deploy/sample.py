"""Sample code that a bundle carries: it runs a file without edgesmith, every step spelled out."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Final

from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.manifest import FileRecord
from edgesmith.deploy.sample_language import LANGUAGES, join, set_constants

# A runtime's part of each sample; Python first, then the language that such files are mostly used from.
TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "onnx": ("onnxruntime.py", "onnxruntime.kt"),
        "litert": ("litert.py", "litert.kt"),
        "executorch": ("executorch.py", "executorch.kt"),
        "openvino": ("openvino.py", "openvino.cpp"),
        "ncnn": ("ncnn.py", "ncnn.cpp"),
        "coreml": ("coreml.swift",),
    }
)

MAIN_STEM: Final = "model"
CLASSIFICATION: Final = "classification"


# What differs where a model answers for every place: Python alone has such an end so far.
_ENDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {"segmentation": {".py": "main_masks.py"}, "detection": {".py": "main_boxes.py"}}
)
_VERBS: Final[Mapping[str, str]] = MappingProxyType(
    {"segmentation": "Segment pictures", "detection": "Find objects in pictures"}
)


def sample_names(format_name: str, file_name: str, task: str = CLASSIFICATION) -> tuple[str, ...]:
    """Names of the sample code of a file, Python first; none for a format that is not known.

    Args:
        format_name: Of the file.
        file_name: ``model`` before the format's suffix is the bundle's main file, whose samples have shorter names.
        task: Of the model.
    """
    templates = TEMPLATES.get(format_name, ())
    if task != CLASSIFICATION:
        templates = tuple(template for template in templates if PurePath(template).suffix in _ENDS[task])
    stem = file_name.removesuffix(FORMATS[format_name].suffix) if templates else ""
    return tuple(f"sample_{template}" if stem == MAIN_STEM else f"sample_{stem}_{template}" for template in templates)


def render_sample(name: str, record: FileRecord, preprocessing: Preprocessing, task: str = CLASSIFICATION) -> str:
    """One of the programs for a file, whole, with this bundle's numbers.

    Args:
        name: As `sample_names` gives it; its end says which language.
        record: Of the file.
        preprocessing: From picture to input.
        task: Of the model.
    """
    suffix = PurePath(name).suffix
    language = LANGUAGES[suffix]
    template = next(each for each in TEMPLATES[record.format] if PurePath(each).suffix == suffix)
    after = language.after if task == CLASSIFICATION else _ENDS[task][suffix]
    parts = [part for part in (language.before, template, after) if part is not None]
    text = join([_read(part) for part in parts], parts.index(template), language)
    if task != CLASSIFICATION:
        text = text.replace("Classify pictures", _VERBS[task], 1)
    return set_constants(text.replace(f"sample_{template}", name), _constants(record, preprocessing), language)


def _read(part: str) -> str:
    return (resources.files("edgesmith.deploy") / "samples" / part).read_text(encoding="utf-8")


def _constants(record: FileRecord, preprocessing: Preprocessing) -> dict[str, Any]:
    return {
        "MODEL": record.path,
        "HEIGHT": preprocessing.height,
        "WIDTH": preprocessing.width,
        "RESIZE_SHORT": preprocessing.resize_short,
        "INTERPOLATION": preprocessing.interpolation.upper(),
        "APPLY_ORIENTATION": preprocessing.apply_orientation,
        "SCALE": float(preprocessing.scale),
        "MEAN": tuple(map(float, preprocessing.mean)),
        "STD": tuple(map(float, preprocessing.std)),
        "PREPROCESSING_INSIDE": record.preprocessing_inside,
        "LAYOUT": record.layout,
        "BATCH": record.batch or 1,
    }
