"""Shards in S3, as a server that runs here plays it; skipped without ``s3fs`` and ``moto[s3,server]``.

They are no part of the extra ``dev``, because moto and ExecuTorch want different versions of the same package:
``pip install -e '.[train,s3]' pytest httpx2 'moto[s3,server]'`` in an environment of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgesmith.core.errors import DataError
from edgesmith.data import dataset as datasets
from edgesmith.data.pack import pack
from tests.data.builders import write_pictures
from tests.data.test_shards import COUNTS, contents

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket called ``pictures`` that fsspec finds."""
    s3fs = pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = f"http://127.0.0.1:{server._server.server_address[1]}"
    for name, value in {
        "EDGESMITH_CACHE": str(tmp_path / "cache"),
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
    }.items():
        monkeypatch.setenv(name, value)
    made = boto3.resource("s3", endpoint_url=address).Bucket("pictures")
    made.create()
    s3fs.S3FileSystem.clear_instance_cache()  # which knows another test's server
    yield made
    server.stop()


def test_packed_shards_are_read_from_a_bucket(bucket: Any, tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "plain", COUNTS)
    pack(datasets.open(folder), tmp_path / "shards", shard_bytes=10_000)
    paths = sorted((tmp_path / "shards").iterdir())
    for path in paths:
        bucket.upload_file(str(path), f"flowers/{path.name}")
    text = " ".join(f"s3://pictures/flowers/{path.name}" for path in paths if path.suffix == ".tar")
    assert contents(text) == contents(folder)
    bucket.objects.all().delete()
    assert contents(text) == contents(folder)  # fetched once


def test_what_is_not_there_is_said_in_a_line(bucket: Any) -> None:
    with pytest.raises(DataError, match=r"^there is no s3://pictures/train-000000\.tar$"):
        datasets.open("s3://pictures/train-000000.tar")
    with pytest.raises(DataError, match=r"^there is no s3://nowhere/train-000000\.tar$"):
        datasets.open("s3://nowhere/train-000000.tar")


def test_without_credentials_it_says_so(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(DataError, match=r"^cannot fetch s3://pictures/.*credentials"):
        datasets.open("s3://pictures/train-000077.tar")
