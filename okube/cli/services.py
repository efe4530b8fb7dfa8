"""``okube services``: what should run, and how far it is."""

from typing import Any

import click

from okube.cli import complete
from okube.cli.filters import field_of_tasks, label_pairs, labels_option, query_of
from okube.cli.listing import Wanted, show
from okube.cli.options import connects, examples, shows, watched
from okube.cli.session import session
from okube.client.api import OkubeClient

__all__ = ["services"]

STATES = ("done", "rolling", "stopped")


@click.command(
    epilog=examples("""
okube services
okube services --app shop --label team=web
okube services --state rolling --watch
okube services -o wide
""")
)
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=complete.SERVICES)
@click.option("--app", metavar="NAME", help="Only services of this app.", shell_complete=complete.APPS)
@labels_option
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help=f"One of {', '.join(STATES)}.")
@click.option("--node", metavar="NAME", help="Only services with a task on this node.", shell_complete=complete.NODES)
@watched
@connects
@shows
def services(
    names: tuple[str, ...],
    app: str | None,
    labels: tuple[str, ...],
    state: str | None,
    node: str | None,
    watch: bool,
) -> None:
    """List services: what should run, and how much of it does."""
    label_pairs(labels)

    def wanted(client: OkubeClient) -> Wanted:
        on_node = field_of_tasks(client, "service", node=node)

        def keep(row: dict[str, Any]) -> bool:
            return (
                (not names or row.get("name") in names)
                and (state is None or (row.get("update") or {}).get("state") == state)
                and (node is None or row.get("name") in on_node)
            )

        return keep

    show(session(), "services", query_of(app=app, label=labels), watch=watch, wanted=wanted)
