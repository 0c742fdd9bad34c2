"""``join``: this machine helps searches that run elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from edgesmith.cli import arguments as arg
from edgesmith.data.ignored import with_ignored


def join(
    study: Annotated[str, typer.Argument(help="Where the search keeps its study, as its --study: postgresql://...")],
    data: arg.Data,
    *,
    workers: arg.Workers = None,
    weights: Annotated[
        str | None, typer.Option(help="This machine's copy of the search's --weights; by default under the same name.")
    ] = None,
    idle: Annotated[str, typer.Option(help="Leave after so long without anything to do.")] = "10m",
    ignore_index: arg.IgnoreIndex = None,
    json: arg.Json = False,
) -> None:
    """Help searches that run elsewhere: train candidates that wait in their study, until no more come.

    The pictures must be the search's, under whatever path; what is not as there is refused before anything is trained.

    Example: edgesmith join postgresql://me@db.example.org/edgesmith flowers.zip --workers 4
    """
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.extras import require

    require("torch", extra="train")
    from edgesmith.recipes.joining import join_search

    data = with_ignored(data, ignore_index)
    with watch() as progress:
        found = join_search(study, data, workers=workers, weights=weights, idle=idle, progress=progress)
    if json:
        print_json(found)
        return
    for name, count in found["evaluated"].items():
        print(f"{name}: {count} candidates evaluated here")
    if not found["evaluated"]:
        print(f"no search at {found['study']} wanted anything")
