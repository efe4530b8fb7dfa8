"""``okube cluster uninstall``: Okube is taken off all machines."""

from typing import TYPE_CHECKING

import click

from okube.cli.exits import Ended
from okube.cli.locate import required_cluster_file
from okube.cli.options import examples
from okube.cli.session import session
from okube.model.errors import BadFile, OkubeError

if TYPE_CHECKING:
    from okube.config import ClusterConfig

__all__ = ["uninstall"]


@click.command(
    epilog=examples("""
okube cluster uninstall            asks first; the data stays there
okube cluster uninstall --purge    removes the data: services are lost
""")
)
@click.option("-f", "--file", "file", metavar="FILE", help="cluster.yaml.")
@click.option("--purge", is_flag=True, help="Remove the data too, there and here: the services are lost.")
@click.option("--partial", is_flag=True, help="Without machines that do not answer.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(file: str | None, purge: bool, partial: bool, yes: bool) -> None:
    """End all managers, workers and containers, and take Okube off the machines of cluster.yaml.

    It may be interrupted and called again. The keys in /etc/okube/keys stay: they may be all that opens a snapshot that
    is kept elsewhere.
    """
    import asyncio

    from okube.config import load_cluster
    from okube.install.inventory import Machine, machines_of
    from okube.install.remote import Remote
    from okube.install.survey import connected
    from okube.install.uninstall import uninstall as take_off

    path = required_cluster_file(file or session().config)

    async def one(machine: Machine, remote: Remote) -> str | None:
        try:
            removed = await take_off(remote, purge=purge)
        except OkubeError as error:
            click.echo(f"{machine.label}: {error.detail}")
            return machine.host
        click.echo(f"{machine.label}: {', '.join(removed.words) or 'nothing of Okube is there'}")
        return None

    async def run(config: "ClusterConfig") -> list[str]:
        machines = machines_of(config)
        async with connected(machines, accept_new=False, say=lambda _, word: click.echo(word)) as (remotes, silent):
            for machine, why in silent:
                click.echo(f"{machine.label}: {why}")
            if silent and not partial:
                raise Ended(1, "nothing was changed: bring those machines back, or leave them out with --partial")
            there = [machine for machine in machines if machine.host in remotes]
            found = await asyncio.gather(*(one(machine, remotes[machine.host]) for machine in there))
            return [*(host for host in found if host), *(machine.host for machine, _ in silent)]

    try:
        config = load_cluster(path)
        if not yes:
            click.confirm(_question(config, purge=purge), abort=True)
        left = asyncio.run(run(config))
        if purge and not left:
            _purge_here(config)
    except BadFile:
        raise
    except OkubeError as error:
        raise Ended(1, error.detail) from error
    if left:
        raise Ended(1, f"{', '.join(left)}: not done; call it again when that is mended")


def _question(config: "ClusterConfig", *, purge: bool) -> str:
    what = "and all data of the cluster removed, for good" if purge else "and the data stays there"
    return f"All containers of cluster {config.cluster} are ended on all machines, Okube is removed, {what}. Go on?"


def _purge_here(config: "ClusterConfig") -> None:
    """What this machine keeps of the cluster is of no use any more: its CA, and the admin's credentials."""
    from okube.processes.purge import purge_data, refuse_foreign

    if config.data_dir.exists():
        refuse_foreign(config.data_dir, config.file or config.data_dir.parent)
        purge_data(config.data_dir)
        click.echo(f"{config.data_dir} removed")
