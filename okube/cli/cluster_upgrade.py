"""``okube cluster upgrade``: all machines run another release, one process after the other."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from okube.cli.exits import Ended
from okube.cli.locate import required_cluster_file
from okube.cli.options import examples, times
from okube.cli.session import session
from okube.model.errors import BadFile, OkubeError

if TYPE_CHECKING:
    from okube.config import ClusterConfig

__all__ = ["upgrade"]

_LEAST_BATCH, _SHARE = 1, 4


@click.command(
    epilog=examples("""
okube cluster upgrade --bundle okube-0.2.0-bundle.tar.gz
okube cluster upgrade --dry-run            who would come when
okube cluster upgrade --bundle okube-0.1.0-bundle.tar.gz --back
""")
)
@click.option("-f", "--file", "file", metavar="FILE", help="cluster.yaml.")
@click.option("--bundle", type=click.Path(dir_okay=False), metavar="FILE", help="The newest in dist/ unless given.")
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Workers at once; a quarter of them.")
@click.option("--timeout", type=times, default="2m", metavar="TIME", help="For each to serve again; 2m.")
@click.option("--back", is_flag=True, help="The bundle is of an older version, on purpose.")
@click.option("--partial", is_flag=True, help="Without machines that do not answer.")
@click.option("--dry-run", is_flag=True, help="Say who would come when, and change nothing.")
def upgrade(
    file: str | None,
    bundle: str | None,
    batch: int | None,
    timeout: float,
    back: bool,
    partial: bool,
    dry_run: bool,
) -> None:
    """Have all managers and workers run the release of a bundle, while all goes on.

    Managers come one by one, the leader last, each waited for; then workers in batches. Containers go on. One that does
    not come back is put back, and the upgrade stops there; called again, it goes on where it was.
    """
    import asyncio

    from okube.config import load_cluster
    from okube.install.inventory import machines_of
    from okube.install.release import bundle_for
    from okube.install.survey import connected
    from okube.install.upgrading import Upgrader
    from okube.processes.lock import one_at_a_time
    from okube.security.private import ensure_folder

    path = required_cluster_file(file or session().config)

    async def run(config: "ClusterConfig") -> bool:
        package = bundle_for(Path(bundle) if bundle else None)
        machines = machines_of(config)
        async with connected(machines, accept_new=False, say=lambda _, word: click.echo(word)) as (remotes, silent):
            if silent and not partial:
                raise Ended(1, _do_not_answer([f"{machine.label}: {why}" for machine, why in silent]))
            upgrader = Upgrader(
                config,
                machines,
                remotes,
                session().client(),
                batch=batch or max(_LEAST_BATCH, len(config.workers) // _SHARE),
                timeout_s=timeout,
                say=click.echo,
            )
            click.echo(f"upgrade to {package.manifest.release} ({package.path})")
            return await upgrader.run(package.path, back=back, dry_run=dry_run)

    session().config = str(path)
    try:
        config = load_cluster(path)
        with one_at_a_time(ensure_folder(config.data_dir) / "up.lock", what=f"cluster {config.cluster}"):
            changed = asyncio.run(run(config))
    except BadFile:
        raise
    except OkubeError as error:
        raise Ended(1, error.detail) from error
    if not changed:
        click.echo("nothing to do: all run it")
    elif dry_run:
        click.echo("nothing was changed")


def _do_not_answer(told: list[str]) -> str:
    return "\n".join(
        [
            f"{len(told)} machines do not answer, so nothing was changed:",
            *(f"  {line}" for line in told),
            "Bring them back, or go on without them with --partial; called again later, it brings the rest.",
        ]
    )
