"""``okube scale``: how many tasks services should have."""

import click

from okube.cli import complete
from okube.cli.likely import hinting
from okube.cli.options import connects, examples, formats, waits
from okube.cli.outcome import finish
from okube.cli.session import session

__all__ = ["parse_counts", "scale"]


@click.command(
    epilog=examples("""
okube scale web=5
okube scale web=5 worker=2      both or none
okube scale web=0 --no-wait
""")
)
@click.argument("counts", nargs=-1, required=True, metavar="SERVICE=N…", shell_complete=complete.counts)
@waits
@connects
@formats
def scale(counts: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Set how many tasks services should have, all of them or none."""
    here = session()
    wanted = parse_counts(counts)
    with hinting(here.client(), "service", wanted):
        services = here.client().scale(wanted)
    finish(here, services, of=list(wanted), wait=wait, timeout_s=timeout)


def parse_counts(texts: tuple[str, ...]) -> dict[str, int]:
    """``web=5`` and the like.

    Raises:
        click.UsageError: one is no such text, or names a service twice.
    """
    made: dict[str, int] = {}
    for text in texts:
        name, equals, count = text.partition("=")
        if not (name and equals and count.isascii() and count.isdigit()):
            raise click.UsageError(f"{text!r} does not say how many: write SERVICE=N, such as web=5")
        if name in made:
            raise click.UsageError(f"{name} is named twice")
        made[name] = int(count)
    return made
