"""``okube join``: all that a machine needs to become part of a cluster."""

import re
import socket
import sys
from pathlib import Path

import click

from okube.cli.exits import Ended, WaitedInVain
from okube.cli.locate import find_cluster_file, home
from okube.cli.options import examples, times
from okube.cli.output import note
from okube.cli.session import session
from okube.model.errors import BadFile, OkubeError

__all__ = ["join"]


@click.command(
    epilog=examples("""
okube join TOKEN --manager 192.0.2.11,192.0.2.12 --name w7 --zone rack-b
""")
)
@click.argument("token", metavar="TOKEN")
@click.option("--manager", "managers", metavar="URL[,URL…]", help="Any managers of the cluster.")
@click.option("--name", metavar="NAME", help="Its name; the host's unless given.")
@click.option("--host", metavar="HOST", help="Where others reach it; its own address unless given.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="7201, or 7101 of a manager.")
@click.option("--region", default="", metavar="REGION", help="Of a worker.")
@click.option("--zone", default="", metavar="ZONE", help="Of a worker.")
@click.option("--rack", default="", metavar="RACK", help="Of a worker.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="Of a worker; may be repeated.")
@click.option("--resource", "named", multiple=True, metavar="NAME=N", help="What a worker offers beside: gpu=2.")
@click.option("--runtime", type=click.Choice(("auto", "docker", "process")), metavar="R", help="docker, process, auto.")
@click.option("--beside", is_flag=True, help="This machine has another node of it, on purpose.")
@click.option("--dir", "folder", metavar="DIR", type=click.Path(), help="For its files; ~/.okube unless given.")
@click.option("--config", metavar="FILE", help="A cluster.yaml that names it.")
@click.option("--timeout", type=times, metavar="TIME", help="How long to wait for managers; for ever.")
@click.option("--no-start", is_flag=True, help="Leave it to systemd to start its process.")
def join(
    token: str,
    managers: str | None,
    name: str | None,
    host: str | None,
    port: int | None,
    region: str,
    zone: str,
    rack: str,
    labels: tuple[str, ...],
    named: tuple[str, ...],
    runtime: str | None,
    beside: bool,
    folder: str | None,
    config: str | None,
    timeout: float | None,
    no_start: bool,
) -> None:
    """Have this machine join a cluster, as TOKEN (- for stdin) says, and start it."""
    from okube.cli.filters import label_pairs, resource_counts
    from okube.processes.invitation import Impatient
    from okube.processes.joining import Wish, start
    from okube.processes.joining import join as join_cluster
    from okube.security.jointokens import parse_join_token

    label_pairs(labels)
    path = _file(folder, config or session().config)
    wish = Wish(
        name=name or _own_name(),
        host=host,
        port=port,
        region=region,
        zone=zone,
        rack=rack,
        labels=dict(label.split("=", 1) for label in labels),
        named=resource_counts(named),
        runtime=runtime,
        beside=beside,
    )
    try:
        parsed = parse_join_token(sys.stdin.readline() if token == "-" else token)
        joined = join_cluster(parsed, _managers(managers, path), wish, path, timeout_s=timeout, say=note)
        word = "has joined already" if joined.before else "may join"
        note(f"{joined.role} {joined.name} {word}: cluster {joined.cluster}, {joined.folder}")
        if not no_start:
            start(joined, note)
    except Impatient as error:
        raise WaitedInVain(error.detail) from error
    except BadFile:
        raise
    except OkubeError as error:
        raise Ended(1, error.detail) from error
    if no_start:
        click.echo(f"okube {joined.role} --name {joined.name} --config {joined.config}")


def _file(folder: str | None, config: str | None) -> Path:
    """cluster.yaml: the one that is named, or found, or the one that this machine gets."""
    if folder is not None:
        return Path(folder).expanduser() / "cluster.yaml"
    return find_cluster_file(config) or home() / "cluster.yaml"


def _managers(given: str | None, config: Path) -> list[tuple[str, int]]:
    """Where they are: as it is said here, or in OKUBE_MANAGERS, or in cluster.yaml."""
    import os

    from okube.cli.locate import cluster_facts
    from okube.client.address import parse_addresses

    named: str | tuple[str, ...] | None = given or session().manager or os.environ.get("OKUBE_MANAGERS")
    if not named and config.is_file():
        named = cluster_facts(config).managers
    if not named:
        raise click.UsageError("where is the cluster? name a manager of it with --manager https://192.0.2.11:7101")
    try:
        return [(address.host, address.port) for address in parse_addresses(named)]
    except ValueError as error:
        raise click.UsageError(f"--manager: {error}") from error


def _own_name() -> str:
    """The host's name as far as it is a name."""
    from okube.model.names import name_error

    first = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().partition(".")[0].lower()).strip("-")[:63].strip("-")
    if name_error(first) or first == "localhost":
        raise click.UsageError(
            f"the host's name, {socket.gethostname()!r}, is no name for a node: give one with --name"
        )
    return first
