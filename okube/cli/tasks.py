"""``okube tasks``, also ``okube ps``: what runs where."""

import click

from okube.cli.options import connects, examples, shows
from okube.cli.output import show_list
from okube.cli.session import session

__all__ = ["tasks"]

STATES = ("pending", "scheduled", "running", "completed", "failed")


@click.command(
    epilog=examples("""
okube tasks                   all tasks that have not ended
okube ps web                  those of service web
okube ps --node w1 -o wide    those on w1, with ids and resources
okube ps --state failed       those that failed
okube ps -a -o json           also ended ones, for a script
""")
)
@click.argument("service", required=False)
@click.option("--service", "service_option", metavar="NAME", help="Only tasks of this service.")
@click.option("--node", metavar="NAME", help="Only tasks on this node.")
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help=f"One of {', '.join(STATES)}.")
@click.option("--app", metavar="NAME", help="Only tasks of this app.")
@click.option("-a", "--all", "ended", is_flag=True, help="Tasks that have ended, too.")
@connects
@shows
def tasks(
    service: str | None,
    service_option: str | None,
    node: str | None,
    state: str | None,
    app: str | None,
    ended: bool,
) -> None:
    """List tasks: each is one container, named SERVICE.SLOT."""
    here = session()
    found = here.client().tasks(service=service or service_option, node=node, state=state, app=app, ended=ended)
    found.sort(key=lambda t: (str(t.get("service")), t.get("slot") or 0, str(t.get("created_at"))))
    show_list(here, "tasks", found)
