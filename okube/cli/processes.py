"""``okube up``, ``down``, ``manager`` and ``worker``: the processes of this machine."""

import logging
from collections.abc import Callable
from pathlib import Path

import click

from okube.cli.exits import BadInput, Ended
from okube.cli.locate import required_cluster_file
from okube.cli.options import examples
from okube.cli.session import session
from okube.model.errors import BadFile, InvalidInput, Malformed, OkubeError

__all__ = ["down", "manager", "up", "worker"]

_log = logging.getLogger(__name__)
_config = click.option("--config", metavar="FILE", help="cluster.yaml; else OKUBE_CONFIG, ./ or ~/.okube/.")
_name = click.option("--name", required=True, metavar="NAME", help="Its name in cluster.yaml.")


@click.command(epilog=examples("okube up            shows the logs; Ctrl-C ends what it started\nokube up -d"))
@click.option("-d", "--detach", is_flag=True, help="Return when all of them answer.")
@_config
def up(detach: bool, config: str | None) -> None:
    """Start what is missing of cluster.yaml on this machine, and touch nothing else."""
    from okube.processes.up import up as start_all

    path = required_cluster_file(config or session().config)
    try:
        start_all(path, detach, click.echo)
    except OkubeError as error:
        raise _ended(error) from error


@click.command(epilog=examples("okube down\nokube down --purge"))
@click.option("--purge", is_flag=True, help="Remove the data directory too: the services are lost.")
@_config
def down(purge: bool, config: str | None) -> None:
    """End tasks and processes on this machine; the data stays, so that `up` runs the same services."""
    from okube.processes.down import down as end_all

    path = required_cluster_file(config or session().config)
    try:
        end_all(path, purge, click.echo)
    except OkubeError as error:
        raise _ended(error) from error


@click.command(epilog=examples("okube manager --name m1 --config /etc/okube/cluster.yaml"))
@_name
@_config
def manager(name: str, config: str | None) -> None:
    """Run one manager of cluster.yaml until it is told to end: what systemd starts."""
    from okube.processes.run import run_named_manager

    path = required_cluster_file(config or session().config)
    try:
        status = _logged(run_named_manager, path, name)
    except OkubeError as error:
        raise _ended(error) from error
    raise Ended(status)


@click.command(epilog=examples("okube worker --name w1 --config /etc/okube/cluster.yaml"))
@_name
@_config
def worker(name: str, config: str | None) -> None:
    """Run one worker of cluster.yaml until it is told to end; its containers go on."""
    from okube.processes.run import run_named_worker

    path = required_cluster_file(config or session().config)
    try:
        status = _logged(run_named_worker, path, name)
    except OkubeError as error:
        raise _ended(error) from error
    raise Ended(status)


def _logged(run: Callable[[Path, str], int], path: Path, name: str) -> int:
    """Run a process whose log is all that is left of it: a bug leaves its traceback there, asked for or not."""
    try:
        return run(path, name)
    except OkubeError:
        raise
    except Exception:
        _log.critical("%s ends by a bug of Okube", name, exc_info=True)
        raise


def _ended(error: OkubeError) -> Exception:
    """A file that is wrong is told line by line; all else as it is, and never as a manager that does not answer."""
    if isinstance(error, InvalidInput | Malformed) and not isinstance(error, BadFile):
        return BadInput(error.detail.splitlines(), "nothing was started or ended: correct the file and try again")
    if isinstance(error, BadFile):
        return error
    return Ended(1, error.detail)
