"""The command as people start it: the address it prints, the certificate, and the end by Ctrl-C."""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgesmith.cli.arguments import run_folder
from edgesmith.cli.main import run
from edgesmith.web.certificate import certificate_for


@contextmanager
def started(
    folder: Path | None, *options: str, home: Path | None = None
) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """The address and the second line that the command prints."""
    named = [] if folder is None else [str(folder)]
    command = [sys.executable, "-m", "edgesmith", "web", *named, "--port", "0", *options]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=home)
    try:
        assert server.stderr is not None
        first = server.stderr.readline()
        match = re.search(r"at (\S+) ", first)
        assert match, first
        yield match[1], server.stderr.readline() if "0.0.0.0" in options else "", server
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.communicate(timeout=20)
        finally:
            server.kill()


def test_this_machine_needs_no_token(served: Path) -> None:
    with started(served) as (address, _, server):
        assert address.startswith("http://127.0.0.1:")
        assert "token" not in address
        with urllib.request.urlopen(address) as answer:
            assert b"fit-flowers" in answer.read()
    assert server.returncode in (0, 130)


def test_without_a_folder_it_shows_what_the_quickstart_left(served: Path, tmp_path: Path) -> None:
    run = tmp_path / run_folder(None, "quickstart", "digits")
    shutil.copytree(served / "fit-flowers", run)
    with started(None, home=tmp_path) as (address, _, _), urllib.request.urlopen(address) as answer:
        text = answer.read().decode()
    assert f"/run/{run.name}" in text
    assert "finished" in text
    assert "budget met" in text


@pytest.mark.slow
def test_the_quickstart_and_then_the_pages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgesmith", "quickstart", "--budget", "3ms", "--time", "60s"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with started(None, home=tmp_path) as (address, _, _):
        pages = {}
        for path in ("", "run/quickstart-digits", "pareto/quickstart-digits", "bundle/quickstart-digits/bundle"):
            with urllib.request.urlopen(address + path) as answer:
                pages[path] = answer.read().decode()
    assert "/run/quickstart-digits" in pages[""]
    assert "of new pictures right" in pages["run/quickstart-digits"]
    assert 'class="result"' in pages["pareto/quickstart-digits"]
    assert "Everything as a zip" in pages["bundle/quickstart-digits/bundle"]


def test_other_machines_come_in_by_https_with_the_token(served: Path, tmp_path: Path) -> None:
    with started(served, "--host", "0.0.0.0") as (address, line, _):
        match = re.fullmatch(r"https://([^:/]+):(\d+)/\?token=([\w-]{43})", address)
        assert match, address
        host, port = match[1], int(match[2])
        pem = ssl.get_server_certificate((host, port))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        assert digest.upper() in line.replace(":", "")
        context = ssl.create_default_context(cadata=pem)
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor()
        )
        with opener.open(address) as answer:
            assert b"fit-flowers" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"https://{host}:{port}/", context=context)


def test_plain_http_is_a_choice_that_says_what_is_lost(served: Path) -> None:
    with started(served, "--host", "0.0.0.0", "--http") as (address, line, _):
        assert address.startswith("http://")
        assert "neither camera nor threads" in line
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(address) as answer:
            assert b"Without HTTPS" in answer.read()


def test_the_certificate_is_kept_and_its_key_is_private(tmp_path: Path) -> None:
    first = certificate_for(["10.0.0.1", "pi.local"], tmp_path)
    assert certificate_for(["pi.local"], tmp_path) == first
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
    other = certificate_for(["10.0.0.2"], tmp_path)
    assert other.fingerprint != first.fingerprint
    other.certificate.write_text("damaged")
    assert certificate_for(["10.0.0.2"], tmp_path).fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--port", "70000"], 2, "--port"),
        (["--token", "short"], 2, "a token has 16 to 256"),
        (["--data", "nowhere"], 2, "is not a folder"),
        (["--max-archive", "2"], 2, "--max-archive takes a number with a unit"),
        (["--host", "203.0.113.7"], 1, "cannot listen on 203.0.113.7:8770"),
    ],
)
def test_wrong_use_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert run(["web", str(tmp_path), *arguments]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_case_c4_a_folder_that_is_not_there_is_named_with_its_absolute_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["web", "rums"]) == 2
    assert f"{tmp_path / 'rums'} is not a folder" in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["web", str(tmp_path), "--port", str(port)]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
