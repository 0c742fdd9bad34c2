"""Shards are data like a folder: the same pictures, classes and splits."""

from __future__ import annotations

import pickle
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import pytest

from edgesmith.core.errors import DataError, UsageError
from edgesmith.data import dataset as datasets
from edgesmith.data.pack import pack
from edgesmith.data.remote import expand
from edgesmith.data.shards import CLASSES_NAME, ShardSource
from tests.data.builders import encode, noise, write_pictures, write_tar

COUNTS = {"train/apple": 9, "train/pear": 7, "val/apple": 2, "val/pear": 3}


def contents(path: str | Path) -> set[tuple[str, str, bytes]]:
    """Split, class and bytes of every picture."""
    data = datasets.open(path)
    return {
        (split, data.classes[sample.label], data.source.read(sample.name))
        for split, samples in data.splits.items()
        for sample in samples
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set as folders."""
    return write_pictures(tmp_path_factory.mktemp("set"), COUNTS)


@pytest.fixture(scope="module")
def packed(folder: Path) -> Path:
    """The same as shards of three or four pictures."""
    out = folder.parent / "shards-of-it"
    done = pack(datasets.open(folder), out, shard_bytes=10_000)
    assert done.num_images == 21
    assert done.shards["train"] > 2
    return out


def test_shards_hold_the_same_set(folder: Path, packed: Path) -> None:
    assert contents(packed) == contents(folder)
    assert datasets.open(packed).classes == ("apple", "pear")
    assert not datasets.open(packed).problems


def test_the_same_seed_gives_the_same_bytes(folder: Path, packed: Path, tmp_path: Path) -> None:
    pack(datasets.open(folder), tmp_path / "again", shard_bytes=10_000)
    first, again = ({path.name: path.read_bytes() for path in each.iterdir()} for each in (packed, tmp_path / "again"))
    assert first == again
    pack(datasets.open(folder), tmp_path / "other", shard_bytes=10_000, seed=1)
    assert (tmp_path / "other" / "train-000000.tar").read_bytes() != first["train-000000.tar"]


def test_a_source_is_read_in_another_process(packed: Path) -> None:
    source = datasets.open(packed).source
    name = source.names()[0]
    assert pickle.loads(pickle.dumps(source)).read(name) == source.read(name)


def test_shards_of_others_with_numbers_or_names_for_classes(tmp_path: Path) -> None:
    picture = encode(noise())
    write_tar(
        tmp_path / "birds-0000.tar",
        {"a/1.jpg": picture, "a/1.cls": b"2\n", "a/1.json": b"{}", "2.jpg": picture, "2.cls": b"11"},
    )
    write_tar(tmp_path / "birds-0001.tar", {"3.seg.png": picture, "3.cls": b"owl"})
    source = ShardSource(tmp_path, ["birds-0000.tar", "birds-0001.tar"])
    assert source.names() == ["0002/birds-0000/a/1.jpg", "0011/birds-0000/2.jpg", "owl/birds-0001/3.seg.png"]
    assert source.describe(source.names()[2]).endswith("birds-0001.tar:3.seg.png")


@pytest.mark.parametrize(
    ("members", "classes", "words"),
    [
        ({"1.jpg": b"x"}, None, r"1\.jpg has no \.cls file"),
        ({"1.jpg": b"x", "1.cls": b"7"}, "a\nb\n", r"is of class 7, and classes\.txt names 2"),
        ({"../1.jpg": b"x", "../1.cls": b"0"}, None, "leaves the archive"),
    ],
)
def test_what_is_wrong_with_a_shard_is_one_line(
    tmp_path: Path, members: dict[str, bytes], classes: str | None, words: str
) -> None:
    write_tar(tmp_path / "train-000.tar", members)
    if classes is not None:
        (tmp_path / CLASSES_NAME).write_text(classes)
    with pytest.raises(DataError, match=words):
        datasets.open(tmp_path)


def test_a_shard_that_was_cut_short_is_named(packed: Path, tmp_path: Path) -> None:
    for path in packed.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    cut = tmp_path / "train-000001.tar"
    cut.write_bytes(cut.read_bytes()[:700])
    with pytest.raises(DataError, match=r"train-000001\.tar"):
        datasets.open(tmp_path)


def test_several_archives_that_are_no_shards_are_still_refused(tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        write_tar(tmp_path / name, {"x/1.jpg": encode(noise())})
    with pytest.raises(DataError, match="holds 2 archives"):
        datasets.open(tmp_path)


@pytest.mark.parametrize("size", [0, 999])
def test_tiny_shards_and_full_folders_are_refused(folder: Path, packed: Path, tmp_path: Path, size: int) -> None:
    with pytest.raises(UsageError, match="at least 10000 bytes"):
        pack(datasets.open(folder), tmp_path / "new", shard_bytes=size)
    with pytest.raises(UsageError, match="is there already"):
        pack(datasets.open(folder), packed)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, counts what is asked for, and prints nothing."""

    asked: list[str] = []  # noqa: RUF012 - the test reads it

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()


def test_shards_behind_http_are_fetched_once(
    folder: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path))
    Quiet.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(packed)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        last = {split: len(list(packed.glob(f"{split}-*.tar"))) - 1 for split in ("train", "val")}
        text = " ".join(f"{base}/{split}-{{000000..{number:06d}}}.tar" for split, number in last.items())
        assert contents(text) == contents(folder)
        assert len(Quiet.asked) == len(list(packed.iterdir()))
        assert contents(text) == contents(folder)
        assert len(Quiet.asked) == len(list(packed.iterdir()))
        with pytest.raises(DataError, match=r"there is no http.*train-999999\.tar"):
            datasets.open(f"{base}/train-999999.tar")
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(DataError, match="cannot fetch http"):
        datasets.open(f"{base}/train-000077.tar")


class Secretive(Quiet):
    """Says of what is not there that it may not be read, as S3 does where it may not list."""

    def do_GET(self) -> None:
        if not Path(self.translate_path(self.path)).is_file():
            self.send_error(403)
        else:
            super().do_GET()


def test_a_store_that_hides_what_is_missing_can_be_read(
    folder: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path / "cache"))
    shutil.copytree(packed, tmp_path / "shards", ignore=shutil.ignore_patterns(CLASSES_NAME))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Secretive, directory=str(tmp_path / "shards")))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        names = sorted(path.name for path in packed.glob("*.tar"))
        assert len(contents(" ".join(f"{base}/{name}" for name in names))) == len(contents(folder))
        with pytest.raises(
            DataError, match=r"cannot fetch http.*train-999999\.tar: HTTP 403.*may not be read, or is not"
        ):
            datasets.open(f"{base}/train-999999.tar")
    finally:
        server.shutdown()
        server.server_close()


class Locked(fsspec.AbstractFileSystem):  # type: ignore[misc] # it has no types
    """Fails as stores do whose libraries have errors of their own."""

    protocol = "locked"

    def _open(self, path: str, **_: object) -> None:
        raise Exception("unable to locate credentials")


def test_a_stores_own_error_is_one_line() -> None:
    fsspec.register_implementation("locked", Locked, clobber=True)
    with pytest.raises(DataError, match=r"^cannot fetch locked://bucket/.*: unable to locate credentials$"):
        datasets.open("locked://bucket/train-000000.tar")


def test_shards_in_a_store_come_by_fsspec(
    folder: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESMITH_CACHE", str(tmp_path))
    for path in packed.iterdir():
        with fsspec.open(f"memory://bucket/{path.name}", "wb") as target:
            target.write(path.read_bytes())
    names = sorted(path.name for path in packed.glob("*.tar"))
    assert contents(" ".join(f"memory://bucket/{name}" for name in names)) == contents(folder)
    with pytest.raises(DataError, match="there is no memory"):
        datasets.open("memory://bucket/train-000999.tar")
    with pytest.raises(DataError, match="cannot fetch nonsense"):
        datasets.open("nonsense://bucket/train-000000.tar")


def test_what_is_no_shard_is_refused_before_it_is_fetched() -> None:
    with pytest.raises(DataError, match="is no shard"):
        datasets.open("https://example.org/flowers.zip")


def test_patterns_name_every_shard() -> None:
    assert expand("s3://b/{0..1}/t-{08..10}.tar") == [f"s3://b/{a}/t-{b}.tar" for a in "01" for b in ("08", "09", "10")]
    with pytest.raises(DataError, match="counts down"):
        expand("t-{5..1}.tar")
