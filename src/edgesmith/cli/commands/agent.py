"""``agent``: this machine as a device of another."""

from __future__ import annotations

from typing import Annotated

import typer


def agent(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(envvar="EDGESMITH_AGENT_TOKEN", help="Secret of every request; made and printed if not given."),
    ] = None,
    max_file: Annotated[str, typer.Option(help="Largest file that is taken in.")] = "256MB",
    cache: Annotated[str, typer.Option(help="Room for all files together.")] = "1GB",
    time_limit: Annotated[str, typer.Option(help="A job that takes longer is stopped.")] = "30m",
) -> None:
    """Make this machine a device: it loads, times and runs model files for another one.

    There, with the token in EDGESMITH_AGENT_TOKEN: edgesmith measure model.onnx --device agent@HOST:PORT/onnxruntime

    Example: edgesmith agent --host 0.0.0.0
    """
    import sys

    from edgesmith.core.units import parse_bytes, parse_seconds
    from edgesmith.devices.agent.config import AgentConfig
    from edgesmith.devices.agent.protocol import TOKEN_VARIABLE, make_token
    from edgesmith.devices.agent.server import serve

    config = AgentConfig(
        host=host,
        port=port,
        token=token or make_token(),
        max_file_bytes=parse_bytes(max_file, what="--max-file"),
        max_cache_bytes=parse_bytes(cache, what="--cache"),
        time_limit_s=parse_seconds(time_limit, what="--time-limit"),
    )

    def announce(address: str) -> None:
        print(f"edgesmith agent at {address}; stop it with Ctrl-C", file=sys.stderr)
        if not token:
            print(f"{TOKEN_VARIABLE}={config.token}", file=sys.stderr)
        sys.stderr.flush()

    serve(config, announce=announce)
