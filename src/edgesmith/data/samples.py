"""What a data set is made of: labelled pictures, and remarks on files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """One object in a picture.

    Args:
        label: Index into the data set's classes.
        left: Of its sides, as a share of the picture's width, 0..1.
        top: As a share of the height.
        right: As a share of the width.
        bottom: As a share of the height.
        crowd: Whether it stands for many objects: nothing to learn, and no mistake to find something there.
    """

    label: int
    left: float
    top: float
    right: float
    bottom: float
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture and what is known of it.

    Args:
        name: Path within the source, with ``/``.
        label: Index into the data set's classes; 0 where pictures have no single class.
        mask: Path of the picture's mask, in segmentation.
        boxes: Its objects, in detection.
        size: Width and height that the boxes were drawn on, in pixels, where the set says so.
        fault: Why nobody can tell what the picture shows, such as a label file that cannot be read; empty where it is
            known. Such a picture is left out as one that cannot be decoded is.
    """

    name: str
    label: int = 0
    mask: str = ""
    boxes: tuple[Box, ...] = ()
    size: tuple[int, int] | None = None
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong with a file or folder.

    Args:
        kind: ``truncated``, ``not_a_picture``, ``too_large``, ``unreadable``, ``bad_mask``, ``void``, ``missing``,
            ``bad_box``, ``bad_annotation``, ``other_size``, ``stray``, ``duplicate``, ``near_duplicate``, ``tiny``,
            ``unbalanced``, ``empty_class``, ``extra_class``, ``one_class`` or ``no_training``.
        file: Path within the source; empty where the whole set is meant.
        detail: What is wrong, in words.
        severity: ``error`` where training would stop or learn from something false, else ``warning``.
    """

    kind: str
    file: str
    detail: str
    severity: str = "error"
