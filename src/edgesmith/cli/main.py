"""``edgesmith VERB``: the table of verbs, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

import edgesmith
from edgesmith.cli.commands import (
    adapting,
    agent,
    devices,
    doctor,
    files,
    importing,
    job,
    joining,
    measuring,
    predicting,
    quantizing,
    searching,
    web,
    work,
    zoo,
)
from edgesmith.cli.terminal import fail
from edgesmith.core.errors import EdgesmithError

app = typer.Typer(
    name="edgesmith",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for verb in (
    job.quickstart,
    job.fit,
    searching.search,
    joining.join,
    adapting.netadapt,
    zoo.models,
    zoo.inspect,
    work.check,
    work.pack,
    work.train,
    work.evaluate,
    predicting.predict,
    measuring.measure,
    importing.import_,
    quantizing.quantize,
    files.export,
    agent.agent,
    web.web,
    doctor.doctor,
):
    app.command(name=verb.__name__.rstrip("_"))(verb)
app.add_typer(devices.app)


def _print_version(*, asked: bool) -> None:
    if asked:
        print(f"edgesmith {edgesmith.__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    """From your pictures, your device and your millisecond budget to a verified model file."""
    _print_version(asked=version)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0, 1 (failed), 2 (wrong use)."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error is one line on standard error."""
    try:
        code = app(list(arguments) if arguments is not None else None, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except EdgesmithError as error:
        fail(str(error))
        return error.exit_code
    except TyperException as error:
        fail(_wording(error))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        fail("stopped; the same command goes on where it was")
        return 130
    except BrokenPipeError:
        return 1
    except Exception as error:
        if os.environ.get("EDGESMITH_DEBUG"):
            raise
        fail(f"a fault of edgesmith's own: {type(error).__name__}: {error}; EDGESMITH_DEBUG=1 shows where")
        return 1


def _wording(error: TyperException) -> str:
    """The message without its line breaks, and where help is."""
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    return text if "--help" in text else f"{text.rstrip('.')}; see edgesmith --help"


if __name__ == "__main__":
    main()
