"""Sample code that a bundle carries: it runs a file without edgesmith, every step spelled out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Final

from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.base import ExportedFile
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


SUPPRESSED: Final = "suppressed detection"


@dataclass(frozen=True, kw_only=True)
class End:
    """How the samples of a task end.

    Attributes:
        parts: The shared parts at the end, by language.
        words: What the head says in place of a classifier's words.
    """

    parts: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]


_BOX_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Classify pictures": "Find objects in pictures",
        "Classifies pictures": "Finds objects in pictures",
        "to class names": "to boxes",
        "Classifier(context).classify": "Detector(context).detect",
        "Compare its scores": "Compare its boxes",
    }
)
_ENDS: Final[Mapping[str, End]] = MappingProxyType(
    {
        CLASSIFICATION: End(
            parts={
                ".py": ("main.py",),
                ".cpp": ("main_classes.hpp", "main.hpp"),
                ".kt": ("main.kt",),
                ".swift": ("main.swift",),
            },
            words={},
        ),
        "segmentation": End(
            parts={
                ".py": ("main_masks.py",),
                ".cpp": ("main_masks.hpp", "main.hpp"),
                ".kt": ("main_masks.kt",),
                ".swift": ("main_masks.swift",),
            },
            words={
                "Classify pictures": "Segment pictures",
                "Classifies pictures": "Segments pictures",
                "to class names": "to masks",
                "Classifier(context).classify": "Segmenter(context).segment",
                "Compare its scores": "Compare its masks",
            },
        ),
        "detection": End(
            parts={
                ".py": ("main_boxes.py",),
                ".cpp": ("main_boxes.hpp", "main.hpp"),
                ".kt": ("main_boxes.kt",),
                ".swift": ("main_boxes.swift",),
            },
            words=_BOX_WORDS,
        ),
        SUPPRESSED: End(parts={".py": ("main_suppressed.py",)}, words=_BOX_WORDS),
    }
)


def end_of(task: str, file: ExportedFile | FileRecord) -> str:
    """What a file's samples end with: its task's own end, or that of a detector which suppresses overlaps itself."""
    return SUPPRESSED if file.suppressed else task


def sample_names(format_name: str, file_name: str, task: str = CLASSIFICATION) -> tuple[str, ...]:
    """Names of the sample code of a file, Python first; none for a format that is not known.

    Args:
        format_name: Of the file.
        file_name: ``model`` before the format's suffix is the bundle's main file, whose samples have shorter names.
        task: Of the model, as `end_of` has it.
    """
    templates = TEMPLATES.get(format_name, ())
    templates = tuple(template for template in templates if PurePath(template).suffix in _ENDS[task].parts)
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
    end = _ENDS[end_of(task, record)]
    parts = [part for part in (language.before, template, *end.parts[suffix]) if part is not None]
    text = join([_read(part) for part in parts], parts.index(template), language)
    for word, other in end.words.items():
        text = text.replace(word, other, 1)
    return set_constants(text.replace(f"sample_{template}", name), _constants(record, preprocessing), language)


def _read(part: str) -> str:
    return (resources.files("edgesmith.deploy") / "samples" / part).read_text(encoding="utf-8")


def _constants(record: FileRecord, preprocessing: Preprocessing) -> dict[str, Any]:
    answered = record.output.shape[-2:] if record.output and len(record.output.shape) > 2 else (None, None)
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
        "RESIZE_LEFT": record.resize_left,
        "ANSWER_HEIGHT": answered[0] or preprocessing.height,
        "ANSWER_WIDTH": answered[1] or preprocessing.width,
    }
