"""What a data set is made of: labelled pictures, and remarks on files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture and what is known of it.

    Args:
        name: Path within the source, with ``/``.
        label: Index into the data set's classes; 0 where pictures have no single class.
        mask: Path of the picture's mask, in segmentation.
    """

    name: str
    label: int = 0
    mask: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong with a file or folder.

    Args:
        kind: ``truncated``, ``not_a_picture``, ``too_large``, ``unreadable``, ``bad_mask``, ``void``, ``missing``,
            ``stray``, ``duplicate``, ``near_duplicate``, ``tiny``, ``unbalanced``, ``empty_class``, ``extra_class``,
            ``one_class`` or ``no_training``.
        file: Path within the source; empty where the whole set is meant.
        detail: What is wrong, in words.
        severity: ``error`` where training would stop or learn from something false, else ``warning``.
    """

    kind: str
    file: str
    detail: str
    severity: str = "error"
