"""``devices``: what can be measured here, and a device's block table."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgesmith.cli import arguments as arg

app = typer.Typer(name="devices", no_args_is_help=False, rich_markup_mode=None)

DeviceName = Annotated[str, typer.Argument(help="Device with options, such as onnxruntime:threads=2.")]


@app.callback(invoke_without_command=True)
def devices(context: typer.Context, *, json: arg.Json = False) -> None:
    """List what can be measured here, and which devices have a block table.

    Example: edgesmith devices
    """
    if context.invoked_subcommand is not None:
        return
    from edgesmith.cli.terminal import print_json, print_table
    from edgesmith.recipes.devices import list_devices

    rows = list_devices()
    if json:
        print_json(rows)
        return
    print_table(
        ["name", "version", "block table", "options", "about"],
        [[row["name"], row["version"] or "-", _table(row), ", ".join(row["options"]), row["about"]] for row in rows],
    )
    for row in rows:
        if row["missing"]:
            print(f"{row['name']}: {row['missing']}")


@app.command()
def profile(
    device: DeviceName,
    *,
    seed: Annotated[int, typer.Option(help="Draws the networks that the table is fitted to and tried on.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Throw away what was measured for this device before.")
    ] = False,
    json: arg.Json = False,
) -> None:
    """Measure a device's block table, fit it to whole networks, and try it on others; exit 1 if it is refused.

    Started again it goes on where it was.

    Example: edgesmith devices profile onnxruntime
    """
    from edgesmith.cli.terminal import fail, print_json, watch
    from edgesmith.devices.blocks.library import refusal
    from edgesmith.recipes.profile import ProfilePlan
    from edgesmith.recipes.profile import profile as run

    with watch() as progress:
        found = run(device, plan=ProfilePlan(seed=seed), overwrite=overwrite, progress=progress)
    gate = found.trial.gate
    if json:
        print_json(found.to_dict())
    else:
        print(f"{found.pieces} pieces timed on {found.device}, fitted to {found.trial.calibration.num_nets} networks")
        print(f"on {gate.num_nets} others: error {gate.rmspe:.1%}, bias {gate.bias:+.1%}, ", end="")
        print(f"{gate.within_5:.0%} within 5 %, {gate.covered:.0%} in the 95 % interval")
        print(f"rank correlation {gate.tau:.3f}; of multiply-adds {gate.madds_tau:.3f}")
    if not gate.passed:
        fail(refusal(found.device, gate))
        raise typer.Exit(1)
    if not json:
        print(f"the table may be used: {found.path}")


def _table(row: dict[str, Any]) -> str:
    table = row["table"]
    if table is None:
        return "-"
    if not table["passed"]:
        return "refused"
    return f"error {table['rmspe']:.1%}, rank {table['tau']:.2f}"
