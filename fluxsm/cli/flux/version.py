# SPDX-License-Identifier: Apache-2.0
"""`fluxsm version`: of this program, of the operator and of Flux."""

from __future__ import annotations

import click

from fluxsm import __version__
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.target import Target


@click.command("version", short_help="Print versions of fluxsm, operator and Flux.")
@click.option("--client", is_flag=True, help="Only that of this program; ask no cluster.")
@out.option(out.TEXT, out.JSON, out.YAML, default=out.TEXT)
@cluster_of.options
def command(target: Target, client: bool, output: str) -> None:
    """Print the version of this program, of the operator and of Flux.

    The last two come from the FluxReport, which an operator writes a few seconds after its start.
    """
    found = {"client": f"v{__version__}"}
    if output == out.TEXT:
        click.echo(f"client: {found['client']}")
    if not client:
        found |= _of_cluster(target)
    if output == out.TEXT:
        for name in list(found)[1:]:
            click.echo(f"{name}: {found[name]}")
        return
    out.values(found, output)


def _of_cluster(target: Target) -> dict[str, str]:
    """What the report says, without what it does not know.

    Raises:
        UsageError: there is no report.
    """
    from fluxsm.cli.flux import report
    from fluxsm.objects import manifest

    found = report.find(target.connect())
    versions = {
        "server": manifest.text(found, "spec", "operator", "version"),
        "distribution": manifest.text(found, "spec", "distribution", "version"),
    }
    return {name: version for name, version in versions.items() if version}
