"""``doctor``: versions, mismatches, and the mend for each."""

from __future__ import annotations

import typer

from edgesmith.cli import arguments as arg


def doctor(*, json: arg.Json = False) -> None:
    """Check the installation: versions, extras, devices, mismatches, and the mend for each.

    Example: edgesmith doctor
    """
    from edgesmith.cli.terminal import print_json
    from edgesmith.recipes.doctor import examine

    findings = examine()
    if json:
        print_json([{"name": f.name, "state": f.state, "detail": f.detail, "mend": f.mend} for f in findings])
    else:
        for finding in findings:
            mend = f"; mend: {finding.mend}" if finding.mend else ""
            print(f"{finding.state:8} {finding.name:14} {finding.detail}{mend}")
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)
