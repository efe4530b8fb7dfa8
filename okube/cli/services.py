"""``okube services``: what should run, and how far it is."""

import click

from okube.cli.options import connects, examples, shows
from okube.cli.output import show_list
from okube.cli.session import session

__all__ = ["services"]


@click.command(
    epilog=examples("""
okube services
okube services --app shop --label team=web
okube services -o wide
""")
)
@click.option("--app", metavar="NAME", help="Only services of this app.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="Only services with this label.")
@connects
@shows
def services(app: str | None, labels: tuple[str, ...]) -> None:
    """List services: what should run, and how much of it does."""
    for label in labels:
        if "=" not in label:
            raise click.UsageError(f"--label {label!r} is no label: write KEY=VALUE")
    here = session()
    show_list(here, "services", here.client().services(app=app, labels=labels))
