"""``okube wait``: for scripts that go on when services are as they should be."""

import click

from okube.cli import complete
from okube.cli.apps import services_meant
from okube.cli.options import connects, examples, formats, times
from okube.cli.output import show_results
from okube.cli.session import session
from okube.cli.verdict import Goal
from okube.cli.wait import Waiter

__all__ = ["wait"]

GOALS = ("ready", "running", "completed", "stopped", "gone")


@click.command(
    epilog=examples("""
okube wait web db && ./smoke-test
okube wait migrate --for completed --timeout 10m
okube rm web --no-wait; okube wait web --for gone
okube wait --app shop
""")
)
@click.argument("names", nargs=-1, metavar="[SERVICE]…", shell_complete=complete.SERVICES)
@click.option("--app", metavar="NAME", help="The services of this app.", shell_complete=complete.APPS)
@click.option(
    "--for",
    "goal",
    type=click.Choice(GOALS),
    default="ready",
    metavar="STATE",
    show_default=True,
    help=f"One of {', '.join(GOALS)}.",
)
@click.option("--timeout", type=times, default="60s", metavar="TIME", show_default=True, help="How long to wait.")
@connects
@formats
def wait(names: tuple[str, ...], app: str | None, goal: str, timeout: float) -> None:
    """Wait until every task of services is ready, running or completed, or none is left.

    A task that completed by its policy counts as ready. `gone` is when the service is removed and its tasks have
    ended. Exit status: 0 it is so, 1 it will never be, 4 waited in vain.
    """
    here = session()
    client = here.client()
    if goal == "gone":
        if app is not None:
            names = (*names, *(str(s["name"]) for s in client.services(app=app)))
        Waiter(client, timeout).until_removed(names)
        return
    meant = services_meant(client, names, app)
    wanted: Goal = goal  # type: ignore[assignment]  # click lets only these in
    settled = Waiter(client, timeout).until_settled(meant, wanted)
    show_results(here, "services", settled, of=names)
