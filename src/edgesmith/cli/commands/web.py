"""``web``: runs and bundles in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesmith.recipes.run_folder import DEFAULT_FOLDER
from edgesmith.web.addresses import DEFAULT_PORT


def web(
    folder: Annotated[Path, typer.Argument(help="Folder of run folders and bundles.")] = DEFAULT_FOLDER,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")] = DEFAULT_PORT,
    data: Annotated[list[Path], typer.Option(help="Another folder, whose pictures jobs may read.")] = [],  # noqa: B006 (typer reads it)
    token: Annotated[
        str | None,
        typer.Option(envvar="EDGESMITH_WEB_TOKEN", help="Secret of other machines; made and printed if not given."),
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Plain HTTP for other machines too.")] = False,
    max_archive: Annotated[str, typer.Option(help="Largest archive that is taken in.")] = "2GB",
) -> None:
    """Look at runs and bundles in a browser, try pictures, and start, watch and stop jobs.

    Example: edgesmith web runs --host 0.0.0.0
    """
    import sys

    from edgesmith.core.extras import require

    for module in ("fastapi", "jinja2", "uvicorn", "python_multipart"):
        require(module, extra="web")
    from edgesmith.core.units import parse_bytes
    from edgesmith.web.config import WebConfig, make_token
    from edgesmith.web.serve import Announcement, serve

    config = WebConfig(
        folder=folder,
        data=tuple(data),
        host=host,
        port=port,
        max_archive_bytes=parse_bytes(max_archive, what="--max-archive"),
        token=token or make_token(),
    )

    def announce(told: Announcement) -> None:
        print(f"edgesmith web at {told.address} (stop it with Ctrl-C)", file=sys.stderr)
        if told.fingerprint:
            print(f"the browser will warn of the certificate; its SHA-256 is {told.fingerprint}", file=sys.stderr)
        elif config.needs_token:
            print("plain HTTP: others can read along, and there is neither camera nor threads", file=sys.stderr)
        sys.stderr.flush()

    serve(config, https=not http, announce=announce)
