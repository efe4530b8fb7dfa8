"""``okube managers``: the replicas of the control plane."""

from collections.abc import Iterator

import click

from okube.cli.options import connects, examples, shows, watched
from okube.cli.output import show_list
from okube.cli.session import session
from okube.client.api import OkubeClient

__all__ = ["managers"]


@click.command(epilog=examples("okube managers\nokube managers --watch\nokube managers -o json"))
@watched
@connects
@shows
def managers(watch: bool) -> None:
    """List the managers: role, state, revision, and how far each lags behind."""
    here = session()
    if not watch:
        show_list(here, "managers", here.client().managers())
        return
    from okube.cli.feed import News, Tell, poll
    from okube.cli.watching import watch_list

    def source(client: OkubeClient, tell: Tell) -> Iterator[News]:
        return poll(client.managers, tell=tell)

    watch_list(here, "managers", source)
