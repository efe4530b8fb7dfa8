"""``okube apps``: sets of services that know each other."""

import click

from okube.cli import complete
from okube.cli.listing import show
from okube.cli.options import connects, examples, shows, watched
from okube.cli.session import session

__all__ = ["apps"]


@click.command(
    epilog=examples("""
okube apps
okube apps --watch
okube services --app shop        what is in it
okube rm --app shop              remove all of it
""")
)
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=complete.APPS)
@watched
@connects
@shows
def apps(names: tuple[str, ...], watch: bool) -> None:
    """List apps: how many services each has, and how much of them is ready."""
    show(session(), "apps", (), watch=watch, wanted=lambda _: lambda row: not names or row.get("name") in names)
