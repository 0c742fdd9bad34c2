"""Frames from a video file or a camera, and into a video file, by PyAV; no torch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from PIL import Image

from edgesmith.core.errors import DataError, DeviceError, UsageError
from edgesmith.core.extras import require

SUFFIXES: Final = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
_EXTRA: Final = "video"
_RATE: Final = Fraction(25)  # where a source does not say
# How FFmpeg names cameras: a driver, and what stands before the number.
_CAMERAS: Final = {"linux": ("v4l2", "/dev/video"), "darwin": ("avfoundation", ""), "win32": ("vfwcap", "")}


class Frames(Protocol):
    """Where frames come from."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def rate(self) -> Fraction:
        """Frames a second."""

    @property
    def total(self) -> int | None:
        """Number of frames; None where that is not known."""

    def __iter__(self) -> Iterator[Image.Image]:
        """RGB pictures, upright."""


def is_video(paths: Sequence[Path] | None) -> bool:
    """Whether these are videos, by the ends of their names.

    Raises:
        UsageError: Some are, and others are not.
    """
    moving = [path.suffix.lower() in SUFFIXES for path in paths or []]
    if any(moving) and not all(moving):
        raise UsageError("give videos or pictures, not both in one command")
    return any(moving)


class OpenedFrames:
    """The first video stream of what FFmpeg can open.

    Args:
        name: A file, or a camera's address.
        driver: FFmpeg's name of an input device; None for files.

    Raises:
        MissingExtraError: PyAV is not installed.
        DataError: It cannot be opened or has no pictures.
    """

    def __init__(self, name: str, *, driver: str | None = None) -> None:
        self._av: Any = require("av", extra=_EXTRA)
        self.name = name
        try:
            self._container = self._av.open(name, format=driver)
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            raise DataError(f"{name} cannot be opened as a video: {error}") from None
        if not self._container.streams.video:
            self._container.close()
            raise DataError(f"{name} has no pictures that move")
        stream = self._container.streams.video[0]
        self.rate: Fraction = stream.average_rate or _RATE
        self.total: int | None = stream.frames or None

    def __iter__(self) -> Iterator[Image.Image]:
        """RGB pictures, turned as the file asks."""
        try:
            for frame in self._container.decode(video=0):
                image: Image.Image = frame.to_image()
                yield image.rotate(frame.rotation, expand=True) if frame.rotation else image
        except self._av.error.FFmpegError as error:
            raise DataError(f"{self.name} is damaged: {error}") from None
        finally:
            self._container.close()


def open_camera(number: int) -> Frames:
    """A camera of this machine.

    Raises:
        MissingExtraError: PyAV is not installed.
        DeviceError: It is not there.
    """
    driver, prefix = _CAMERAS.get(sys.platform, _CAMERAS["linux"])
    try:
        return OpenedFrames(f"{prefix}{number}", driver=driver)
    except DataError as error:
        raise DeviceError(f"camera {number} cannot be opened; the first is 0: {error}") from None


class VideoWriter:
    """An MP4 file of frames that are all of one size; a context manager.

    Args:
        path: Of the file.
        rate: Frames a second.
    """

    def __init__(self, path: Path, rate: Fraction) -> None:
        self._av: Any = require("av", extra=_EXTRA)
        self._container = self._av.open(str(path), "w", format="mp4")
        self._rate = rate
        self._stream: Any = None

    def write(self, image: Image.Image) -> None:
        """Add a frame; an odd last row or column is left out, as H.264 has colours for pairs."""
        if self._stream is None:
            self._stream = self._container.add_stream(self._codec(), rate=self._rate)
            self._stream.width, self._stream.height = image.width // 2 * 2, image.height // 2 * 2
            self._stream.pix_fmt = "yuv420p"
        part = image.crop((0, 0, self._stream.width, self._stream.height))
        self._container.mux(self._stream.encode(self._av.VideoFrame.from_image(part)))

    def _codec(self) -> str:
        return "libx264" if "libx264" in self._av.codecs_available else "mpeg4"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._container.mux(self._stream.encode())
        self._container.close()
