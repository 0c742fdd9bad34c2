"""Room for arrays of pixels: memory up to a limit, beyond it a file that the system pages in and out."""

from __future__ import annotations

import errno
import math
import os
import tempfile

import numpy as np
from numpy.typing import NDArray

from edgesmith.core.caches import cache_folder
from edgesmith.core.errors import DataError


class PixelRoom:
    """Gives arrays, in memory as long as they fit.

    Args:
        limit_bytes: Memory for all of them together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._left_bytes = limit_bytes

    def array(self, *shape: int) -> NDArray[np.uint8]:
        """An array to be filled; one that no longer fits lies in a nameless file, which goes with it.

        Raises:
            DataError: There is no room for the file either.
        """
        size_bytes = math.prod(shape)
        if size_bytes <= self._left_bytes:
            self._left_bytes -= size_bytes
            return np.empty(shape, dtype=np.uint8)
        folder = cache_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                _reserve(file.fileno(), size_bytes)
                return np.asarray(np.memmap(file, dtype=np.uint8, mode="r+", shape=shape))
        except OSError as error:
            why = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror or error)
            raise DataError(
                f"there is no room for {size_bytes / 1e9:.1f} GB of decoded pictures in {folder}: {why}; "
                f"free some space, or name another folder in EDGESMITH_CACHE"
            ) from error


def _reserve(descriptor: int, size_bytes: int) -> None:
    """Take the space now: a disk that fills up later would end the process at the first page without any."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size_bytes)
    else:
        os.ftruncate(descriptor, size_bytes)
