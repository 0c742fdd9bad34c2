"""A hundred hostile pictures and a hundred hostile archives: a line each, nothing written elsewhere, little memory."""

from __future__ import annotations

import re
import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from edgesmith.core.errors import DataError
from edgesmith.data import archives
from edgesmith.data.sources import open_source
from edgesmith.web.app import create_app
from edgesmith.web.config import WebConfig
from edgesmith.web.jobs import Jobs
from edgesmith.web.scan import JOBS_NAME
from tests.web.abuse import archive, picture
from tests.web.folders import ORIGIN

ROOM = 512 << 20
STARTS = [0, *(pytest.param(start, marks=pytest.mark.slow) for start in range(20, 100, 20))]


@pytest.fixture(scope="module")
def hostile_client(served: Path) -> Iterator[TestClient]:
    """A browser of an application whose jobs do nothing, and leave nothing to the tests that follow."""
    app = create_app(WebConfig(folder=served))
    app.state.jobs = Jobs(served / JOBS_NAME, command=(sys.executable, "-c", "pass"))
    client = TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN}, follow_redirects=False)
    assert client.post("/try/fit-flowers/bundle", files={"picture": ("a", b"no picture")}).status_code == 400
    known = set((served / JOBS_NAME).glob("*"))
    yield client
    for job in set((served / JOBS_NAME).glob("*")) - known:
        shutil.rmtree(job)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Half a gigabyte more than this process has; what asks for more fails."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def outside(served: Path) -> dict[Path, int]:
    """When each file and folder beside the jobs was written."""
    paths = (path for path in served.parent.rglob("*") if JOBS_NAME not in path.parts and path != served)
    return {path: path.lstat().st_mtime_ns for path in paths}


def told(page: str) -> str:
    """The one line of an answer that refuses."""
    (line,) = re.findall(r'role="alert">([^<]*)<', page)
    assert line.strip()
    assert "\n" not in line.strip()
    return str(line)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the size of this process from /proc")
@pytest.mark.parametrize("start", STARTS)
def test_hostile_pictures(hostile_client: TestClient, served: Path, start: int, little_memory: None) -> None:
    before = outside(served)
    refused = 0
    for seed in range(start, start + 20):
        content = picture(np.random.default_rng(seed))
        answer = hostile_client.post("/try/fit-flowers/bundle", files={"picture": ("<b>../a.png", content)})
        assert answer.status_code in (200, 400), (seed, answer.status_code)
        assert "Traceback" not in answer.text
        assert "<script>alert" not in answer.text
        if answer.status_code == 400:
            refused += 1
            told(answer.text)
    assert refused
    assert outside(served) == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads the size of this process from /proc")
@pytest.mark.parametrize("start", STARTS)
def test_hostile_archives(
    hostile_client: TestClient, served: Path, start: int, little_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1 << 20)
    before = outside(served)
    refused = 0
    for seed in range(start, start + 20):
        name, content = archive(np.random.default_rng(seed))
        known = set((served / JOBS_NAME).glob("*"))
        answer = hostile_client.post("/jobs/new/check", files={"archive": (name, content)})
        assert answer.status_code in (303, 400), (seed, answer.status_code)
        assert "Traceback" not in answer.text
        new = set((served / JOBS_NAME).glob("*")) - known
        if answer.status_code == 400:
            refused += 1
            told(answer.text)
            assert not new, seed
            continue
        (job,) = new
        (kept,) = job.glob("pictures*")
        read_all(kept)
    assert refused
    assert outside(served) == before


def read_all(path: Path) -> None:
    """What a job would do with an archive that was let in: members are read, or refused in a line."""
    source = open_source(path)
    for name in source.names():
        try:
            source.read(name)
        except DataError as error:
            refusal = str(error)
        else:
            continue
        assert "\n" not in refusal
