"""``okube cluster support-bundle``: what somebody who helps needs to see, in one file, and no secret."""

import time
from pathlib import Path

import click

from okube.cli.exits import Ended
from okube.cli.locate import required_cluster_file
from okube.cli.options import examples
from okube.cli.session import session
from okube.model.errors import BadFile, OkubeError

__all__ = ["support_bundle"]


@click.command(
    "support-bundle",
    epilog=examples("okube cluster support-bundle\nokube cluster support-bundle --output lab.tar.gz --lines 5000"),
)
@click.option("-f", "--file", "file", metavar="FILE", help="cluster.yaml.")
@click.option("--output", "into", type=click.Path(dir_okay=False), metavar="FILE", help="okube-support-….tar.gz.")
@click.option("--lines", type=click.IntRange(1, 100_000), default=2000, metavar="N", help="Of each log; 2000.")
def support_bundle(file: str | None, into: str | None, lines: int) -> None:
    """Gather logs, states and versions of the cluster and of its machines.

    It works while much is broken: what does not answer is named in it. Values of variables, words of commands, keys and
    tokens are taken out; look into it before you pass it on nevertheless.
    """
    import asyncio

    from okube.config import load_cluster
    from okube.install.inventory import machines_of
    from okube.install.support import gather, pack
    from okube.install.survey import connected

    path = required_cluster_file(file or session().config)
    session().config = str(path)

    async def run() -> Path:
        config = load_cluster(path)
        machines = machines_of(config)
        async with connected(machines, accept_new=False, say=lambda _, word: click.echo(word)) as (remotes, silent):
            unreached = {machine.host: why for machine, why in silent}
            client = session().client()
            client.hurry(5.0)
            files = await gather(config, machines, remotes, client, lines=lines, unreached=unreached)
        name = f"okube-support-{config.cluster}-{time.strftime('%Y%m%d-%H%M%S')}"
        target = Path(into or f"{name}.tar.gz")
        pack(files, target, folder=name)
        for host, why in unreached.items():
            click.echo(f"note: without {host}: {why}")
        return target

    try:
        target = asyncio.run(run())
    except BadFile:
        raise
    except OkubeError as error:
        raise Ended(1, error.detail) from error
    click.echo(f"{target} ({target.stat().st_size / 1e3:.0f} kB)")
