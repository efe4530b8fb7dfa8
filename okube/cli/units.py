"""``okube units``: systemd starts this machine's part of a cluster, and keeps it running."""

from pathlib import Path
from typing import ClassVar

import click

from okube.cli.exits import Ended
from okube.cli.lazy import LazyGroup
from okube.cli.locate import required_cluster_file
from okube.cli.options import examples
from okube.cli.session import session
from okube.model.errors import BadFile, OkubeError

__all__ = ["units"]

_config = click.option("--config", metavar="FILE", help="cluster.yaml; else OKUBE_CONFIG, ./ or ~/.okube/.")


class UnitsGroup(LazyGroup):
    """The commands, and what people write for them."""

    misspelt: ClassVar[dict[str, str]] = {"rm": "remove", "uninstall": "remove", "add": "install"}


@click.group(
    cls=UnitsGroup,
    epilog=examples("""
okube units install --dry-run    print them, and change nothing
sudo okube units install         from now on, and at each boot
sudo okube units remove          end them, and keep the data
"""),
)
def units() -> None:
    """Units of systemd for what cluster.yaml has on this machine."""


@units.command(epilog=examples("sudo okube units install\nokube units install --dry-run"))
@click.option("--dry-run", is_flag=True, help="Print the units, and change nothing.")
@click.option("--no-start", is_flag=True, help="They are started at the next boot.")
@_config
def install(dry_run: bool, no_start: bool, config: str | None) -> None:
    """Have systemd run this machine's managers and workers, now and at each boot.

    It takes over what `okube up` started, and leaves alone what is as it should be. The processes run as the owner of
    the data directory.
    """
    from okube.install.unitshere import install_units, units_text

    path = required_cluster_file(config or session().config)
    try:
        if dry_run:
            units_text(path, click.echo)
        else:
            install_units(path, click.echo, start=not no_start)
    except BadFile:
        raise
    except OkubeError as error:
        raise Ended(1, error.detail) from error


@units.command(epilog=examples("sudo okube units remove"))
@_config
def remove(config: str | None) -> None:
    """End this machine's managers and workers, and remove their units; data and containers stay."""
    from okube.install.unitshere import remove_units

    path: Path = required_cluster_file(config or session().config)
    try:
        remove_units(path, click.echo)
    except BadFile:
        raise
    except OkubeError as error:
        raise Ended(1, error.detail) from error
