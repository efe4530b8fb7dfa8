"""``okube tasks``, also ``okube ps``: what runs where."""

from typing import Any

import click

from okube.cli import complete
from okube.cli.filters import label_pairs, labels_option, query_of, services_with
from okube.cli.listing import Wanted, show
from okube.cli.options import connects, examples, shows, watched
from okube.cli.session import session
from okube.client.api import OkubeClient

__all__ = ["tasks"]

STATES = ("pending", "scheduled", "running", "completed", "failed")


@click.command(
    epilog=examples("""
okube tasks                   all that have not ended
okube ps web                  those of service web
okube ps --node w1 -o wide    those on w1, with ids, resources, and why
okube ps --state failed       those that failed
okube ps -a -o json           also ended ones, for a script
okube ps --watch
""")
)
@click.argument("service", required=False, shell_complete=complete.SERVICES)
@click.option("--service", "service_option", metavar="NAME", help="Only of this one.", shell_complete=complete.SERVICES)
@click.option("--node", metavar="NAME", help="Only tasks on this node.", shell_complete=complete.NODES)
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help=f"One of {', '.join(STATES)}.")
@click.option("--app", metavar="NAME", help="Only tasks of this app.", shell_complete=complete.APPS)
@labels_option
@click.option("-a", "--all", "ended", is_flag=True, help="Tasks that have ended, too.")
@watched
@connects
@shows
def tasks(
    service: str | None,
    service_option: str | None,
    node: str | None,
    state: str | None,
    app: str | None,
    labels: tuple[str, ...],
    ended: bool,
    watch: bool,
) -> None:
    """List tasks: each is one container, named SERVICE.SLOT.

    A label is that of the task's service.
    """
    label_pairs(labels)

    def wanted(client: OkubeClient) -> Wanted:
        labelled = services_with(client, labels=labels)
        return lambda row: not labels or row.get("service") in labelled

    query = query_of(service=service or service_option, node=node, state=state, app=app, all=ended)
    show(session(), "tasks", query, watch=watch, wanted=wanted, order=_order, key="id")


def _order(task: dict[str, Any]) -> tuple[str, int, str]:
    return str(task.get("service")), task.get("slot") or 0, str(task.get("created_at"))
