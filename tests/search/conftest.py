"""A real PostgreSQL server for tests of studies."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[[], str]]:
    """Makes URLs of fresh databases on a server of its own; skipped where PostgreSQL is not installed."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="edgesmith-postgres-"))
    user = None if os.geteuid() else pwd.getpwnam("nobody").pw_name  # the server refuses to be run by root
    if user is not None:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def call(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        with (folder / "log.txt").open("a") as log:
            subprocess.run(command, check=True, user=user, cwd=folder, stdout=log, stderr=log)

    try:
        call("initdb", "--username=edgesmith", "--auth=trust", "--no-sync")
        call("pg_ctl", "-w", "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off", "start")

        def fresh() -> str:
            name = f"study_{uuid.uuid4().hex}"
            server = f"postgresql://edgesmith@127.0.0.1:{port}"
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return f"{server}/{name}"

        yield fresh
        call("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path:
    """Debian keeps them out of the path."""
    found = shutil.which("initdb") or next(
        map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None
    )
    if found is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    return Path(found).parent
