"""Which names in a data set count: pictures, archives, and what operating systems leave behind."""

from __future__ import annotations

from typing import Final

PICTURE_SUFFIXES: Final = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".avif",
)  # fmt: skip
ARCHIVE_SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz")
LABEL_TABLE: Final = "labels.csv"

_LEFTOVERS: Final = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_DOCUMENTS: Final = ("readme", "license", "licence", "copying", "notice", "citation", "classes.json", LABEL_TABLE)


def is_picture_name(name: str) -> bool:
    """Whether the suffix promises a picture; only decoding tells whether it is one."""
    return name.lower().endswith(PICTURE_SUFFIXES)


def is_archive_name(name: str) -> bool:
    """Whether the suffix is one of the archives that a data set may come in."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def is_leftover(name: str) -> bool:
    """Whether any part is hidden (``.ipynb_checkpoints``, ``._a.jpg``) or left by a system (``__MACOSX``)."""
    return any(part.startswith(".") or part.lower() in _LEFTOVERS for part in name.split("/"))


def is_document(name: str) -> bool:
    """Whether a file describes the set (a README, a licence, a label table) rather than having strayed into it."""
    return name.rsplit("/", 1)[-1].lower().startswith(_DOCUMENTS)


def parents(name: str) -> list[str]:
    """Every folder above ``a/b/c.jpg``: ``a`` and ``a/b``."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
