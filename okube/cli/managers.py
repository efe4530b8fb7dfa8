"""``okube managers``: the replicas of the control plane."""

import click

from okube.cli.options import connects, examples, shows
from okube.cli.output import show_list
from okube.cli.session import session

__all__ = ["managers"]


@click.command(epilog=examples("okube managers\nokube managers -o json"))
@connects
@shows
def managers() -> None:
    """List the managers: role, state, revision, and how far each lags behind."""
    here = session()
    show_list(here, "managers", here.client().managers())
