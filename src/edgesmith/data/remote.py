"""Shards elsewhere: named by an address, fetched once into the cache, read there."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Final

from edgesmith.core.caches import cache_folder
from edgesmith.core.errors import DataError
from edgesmith.core.files import atomic_file
from edgesmith.data.shards import CLASSES_NAME, ShardSource, is_shard_name

_RANGE: Final = re.compile(r"\{(\d+)\.\.(\d+)\}")
_AT_ONCE: Final = 4
_TIMEOUT_S: Final = 60.0
_MEANINGS: Final = {403: PermissionError, 404: FileNotFoundError}


def is_address(text: str) -> bool:
    """Whether data are named by an address, such as ``https://...`` or ``s3://...``."""
    return "://" in text


def open_remote(text: str) -> ShardSource:
    """Fetch what is not in the cache yet, a whole file at a time, and open it.

    Args:
        text: Address of a shard, or of several: ``https://host/flowers/train-{000000..000011}.tar``; more than one
            pattern with blanks between. ``classes.txt`` beside the first is fetched too where there is one.

    Raises:
        DataError: An address is no shard's, or cannot be reached.
    """
    addresses = [address for pattern in text.split() for address in expand(pattern)]
    for address in addresses:
        if not is_shard_name(address.rsplit("/", 1)[-1]):
            raise DataError(f"{address} is no shard; data elsewhere are shards such as train-{{000000..000011}}.tar")
    folder = cache_folder() / "shards" / hashlib.sha256(text.encode()).hexdigest()[:16]
    base = addresses[0].rsplit("/", 1)[0]
    # Where it may not list a bucket, S3 says of what is not there that access is denied.
    with contextlib.suppress(FileNotFoundError, PermissionError):
        _fetch(f"{base}/{CLASSES_NAME}", folder)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        names = list(pool.map(lambda address: _fetch_shard(address, folder), addresses))
    return ShardSource(folder, names)


def expand(pattern: str) -> Sequence[str]:
    """Every address of ``train-{000000..000011}.tar``; numbers keep their width.

    Raises:
        DataError: The numbers count down.
    """
    found = _RANGE.search(pattern)
    if found is None:
        return (pattern,)
    first, last = found[1], found[2]
    if int(last) < int(first):
        raise DataError(f"{pattern} counts down from {first} to {last}")
    numbers = [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
    return [each for number in numbers for each in expand(pattern[: found.start()] + number + pattern[found.end() :])]


def _fetch_shard(address: str, folder: Path) -> str:
    try:
        return _fetch(address, folder)
    except FileNotFoundError:
        raise DataError(f"there is no {address}") from None
    except PermissionError as error:
        raise DataError(f"cannot fetch {address}: {error}; it may not be read, or is not there") from None


def _fetch(address: str, folder: Path) -> str:
    """Bring one file into the folder whole, or not at all; its name there."""
    path = folder / address.rsplit("/", 1)[-1]
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with _open(address) as stream, atomic_file(path) as temporary, temporary.open("wb") as target:
            shutil.copyfileobj(stream, target, 1 << 20)
    return path.name


@contextlib.contextmanager
def _open(address: str) -> Iterator[IO[bytes]]:
    """A file elsewhere: HTTP by Python itself, all else by fsspec.

    Raises:
        FileNotFoundError: It is not there.
        PermissionError: It may not be read.
        DataError: It cannot be reached.
    """
    try:
        if address.startswith(("http://", "https://")):
            with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as stream:
                yield stream
        else:
            import fsspec

            opened: Any = fsspec.open(address, "rb")
            with opened as stream:
                yield stream
    except urllib.error.HTTPError as error:
        if error.code in _MEANINGS:
            raise _MEANINGS[error.code](f"HTTP {error.code} {error.reason}") from error
        raise DataError(f"cannot fetch {address}: HTTP {error.code} {error.reason}") from error
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # every store's library has its own: no credentials, no such host
        raise DataError(f"cannot fetch {address}: {error}") from error
